import { goRegExp, PatternError } from '../regexp.ts';
import { CompileError, type Node } from './syntax.ts';
import { parseDuration, parseTimestamp } from './values.ts';

/** Functions whose argument, where it is a literal, is looked at before anything runs. Source: cel-go's validators. */
const CHECKS: Readonly<Record<string, (text: string) => boolean>> = {
  duration: (text) => parseDuration(text) !== undefined,
  timestamp: (text) => parseTimestamp(text) !== undefined,
  matches: (text) => {
    try {
      goRegExp(text);
      return true;
    } catch (error) {
      if (error instanceof PatternError) return false;
      throw error;
    }
  },
};

/** @throws CompileError for a literal that the function could only fail on */
export function checkLiteralArgument({ name, args: [arg] }: Node & { kind: 'call' }): void {
  const check = Object.hasOwn(CHECKS, name) ? CHECKS[name]! : undefined;
  if (!check || arg?.kind !== 'literal' || arg.value.type !== 'string') return;
  if (!check(arg.value.value)) throw new CompileError(`invalid ${name} argument`, arg.at);
}
