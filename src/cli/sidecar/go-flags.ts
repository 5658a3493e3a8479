import { durationText, parseDuration } from '../../base/index.ts';

/** What Go's flag package knows, and the few shapes that upstream's programs add. */
type Kind = 'string' | 'bool' | 'int' | 'uint' | 'float' | 'duration' | 'labels' | 'gates';

type ValueOf<K extends Kind> = K extends 'string'
  ? string
  : K extends 'bool'
    ? boolean
    : K extends 'labels'
      ? Readonly<Record<string, string>>
      : K extends 'gates'
        ? Readonly<Record<string, boolean>>
        : number;

/** A flag: its kind, its default (durations are milliseconds) and what it does. */
export interface Flag<K extends Kind = Kind> {
  readonly kind: K;
  readonly default: ValueOf<K>;
  readonly help: string;
  /** Why it can have no other value here. */
  readonly fixed?: string;
  /** The feature gates that can be otherwise than by default. */
  readonly settable?: readonly string[];
}

export type Flags = Readonly<Record<string, Flag>>;
export type Values<F extends Flags> = { readonly [Name in keyof F]: ValueOf<F[Name]['kind']> };

/** A flag that upstream has and that cannot be otherwise than by default here; `why` says so to who tries. */
export const fixed = <K extends Kind>(flag: Flag<K>, why: string): Flag<K> => ({ ...flag, fixed: why });
const flagOf =
  <K extends Kind>(kind: K) =>
  (value: ValueOf<K>, help: string): Flag<K> => ({ kind, default: value, help });
export const string = flagOf('string');
export const bool = flagOf('bool');
export const int = flagOf('int');
export const uint = flagOf('uint');
export const float = flagOf('float');
/** In milliseconds. */
export const duration = flagOf('duration');
export const labels = flagOf('labels');
/** Of upstream's gates only those in `settable` can be set otherwise here. */
export const gates = (
  defaults: Readonly<Record<string, boolean>>,
  settable: readonly string[],
): Flag<'gates'> => ({
  kind: 'gates',
  default: defaults,
  help: `Upstream's gates, as NAME=true,NAME2=false: ${settable.join(', ')}.`,
  settable,
});

/** A command line that cannot be taken, in Go's words. */
export class FlagError extends Error {
  override readonly name = 'FlagError';
}

/**
 * Reads `-name value`, `--name=value` and `-switch` as Go does. `given` are those that were on the line.
 * @throws FlagError
 */
export function parseFlags<F extends Flags>(
  flags: F,
  args: readonly string[],
): { values: Values<F>; given: ReadonlySet<keyof F> } {
  const values: Record<string, unknown> = Object.fromEntries(
    Object.entries(flags).map(([name, flag]) => [name, flag.default]),
  );
  const given = new Set<string>();
  for (let index = 0; index < args.length; index++) {
    const argument = args[index]!;
    const [, name = '', inline] = /^--?([^-=][^=]*)(?:=(.*))?$/s.exec(argument) ?? [];
    if (name === '')
      throw new FlagError(
        argument.startsWith('-')
          ? `bad flag syntax: ${argument}`
          : `unexpected argument ${JSON.stringify(argument)}`,
      );
    const flag = Object.hasOwn(flags, name) ? flags[name]! : undefined;
    if (!flag) throw new FlagError(`flag provided but not defined: -${name}`);
    const text = inline ?? (flag.kind === 'bool' ? 'true' : args[++index]);
    if (text === undefined) throw new FlagError(`flag needs an argument: -${name}`);
    values[name] = read(name, flag, text, values[name]);
    given.add(name);
  }
  return { values: values as Values<F>, given };
}

/** A line for each flag with its default, as -h prints them. */
export function usageOf(flags: Flags): string {
  return Object.keys(flags)
    .sort()
    .map((name) => {
      const { kind, help, fixed: why } = flags[name]!;
      const value = kind === 'bool' ? '' : ` ${kind}`;
      const standard = defaultText(flags[name]!);
      return `  -${name}${value}\n    \t${help}${standard && ` (default ${standard})`}${why ? ` [fixed: ${why}]` : ''}\n`;
    })
    .join('');
}

function defaultText({ kind, default: value }: Flag): string {
  if (value === '' || value === false || value === 0 || typeof value === 'object') return '';
  return kind === 'duration' ? durationText(value as number) : JSON.stringify(value);
}

function read(name: string, flag: Flag, text: string, before: unknown): unknown {
  const value = READERS[flag.kind](text, before);
  if (value === undefined || value instanceof Error) {
    const what = flag.kind === 'bool' ? 'boolean value' : 'value';
    const why = value instanceof Error ? value.message : 'parse error';
    throw new FlagError(
      `invalid ${what} ${JSON.stringify(text)} for ${flag.kind === 'bool' ? '' : 'flag '}-${name}: ${why}`,
    );
  }
  if (flag.fixed !== undefined && !isEqual(value, flag.default))
    throw new FlagError(`flag -${name} cannot be ${text} here: ${flag.fixed}`);
  for (const [gate, on] of flag.settable ? Object.entries(value as object) : [])
    if (!flag.settable!.includes(gate) && on !== (flag.default as Readonly<Record<string, boolean>>)[gate])
      throw new FlagError(`feature gate ${gate} cannot be ${on} here`);
  return value;
}

function isEqual(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || typeof b !== 'object') return a === b;
  const known = b as Record<string, unknown>;
  return Object.entries(a as object).every(([key, value]) => known[key] === value);
}

const BOOLEANS: Readonly<Record<string, boolean>> = {
  ...Object.fromEntries(['1', 't', 'T', 'TRUE', 'true', 'True'].map((text) => [text, true])),
  ...Object.fromEntries(['0', 'f', 'F', 'FALSE', 'false', 'False'].map((text) => [text, false])),
};

/** A value; undefined when the text is none, or an Error that says why. */
const READERS: Readonly<Record<Kind, (text: string, before: unknown) => unknown>> = {
  string: (text) => text,
  bool: (text) => (Object.hasOwn(BOOLEANS, text) ? BOOLEANS[text] : undefined),
  int: (text) => (/^[+-]?\d+$/.test(text) ? Number(text) : undefined),
  uint: (text) => (/^\d+$/.test(text) ? Number(text) : undefined),
  float: (text) => (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : undefined),
  duration: parseDuration,
  labels: (text, before) => parseLabels(text, before as Record<string, string>),
  gates: (text, before) => parseGates(text, before as Record<string, boolean>),
};

/** Source: stringMap of csi-lib-utils. */
function parseLabels(text: string, before: Record<string, string>): Record<string, string> | Error {
  const map = { ...before };
  for (const item of text.split(',')) {
    const [key = '', value, ...more] = item.split(':');
    if (value === undefined || more.length > 0) return new Error(`malformed item in list of labels: ${item}`);
    map[key] = value;
  }
  return map;
}

/** Source: MapStringBool of component-base. */
function parseGates(text: string, before: Record<string, boolean>): Record<string, boolean> | Error {
  const map = { ...before };
  for (const pair of text.split(',').filter(Boolean)) {
    const [name = '', value] = pair.split(/=(.*)/s).map((part) => part.trim());
    if (value === undefined) return new Error(`malformed pair, expect string=bool: ${pair}`);
    if (!Object.hasOwn(BOOLEANS, value)) return new Error(`invalid value of ${name}: ${value}`);
    if (!Object.hasOwn(before, name)) return new Error(`unrecognized feature gate: ${name}`);
    map[name] = BOOLEANS[value]!;
  }
  return map;
}
