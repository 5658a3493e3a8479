import { isObject } from './types.ts';

/** Reads the first of what a JSON path names; `undefined` when there is nothing. */
export type PathReader = (value: unknown) => unknown;

/** From one value to those that a step leads to. */
type Step = (value: unknown) => readonly unknown[];

/**
 * A reader of a path of client-go's JSONPath, as printer columns, scale and selectable fields use it: names, quoted
 * names, positions, ranges, unions, wildcards, filters and `..`. `undefined` when the text is no such path.
 */
export function compilePath(path: string): PathReader | undefined {
  const steps: Step[] = [];
  let rest = path.trim().replace(/^\$/, '');
  while (rest !== '') {
    const step = nextStep(rest);
    if (!step) return undefined;
    if (step.read) steps.push(step.read);
    rest = rest.slice(step.length);
  }
  return (value) => first(steps, 0, value);
}

/** Depth first, and no further than the first that is there. */
function first(steps: readonly Step[], at: number, value: unknown): unknown {
  const step = steps[at];
  if (!step) return value;
  for (const next of step(value)) {
    const found = first(steps, at + 1, next);
    if (found !== undefined) return found;
  }
  return undefined;
}

interface Parsed {
  readonly read: Step | undefined;
  readonly length: number;
}

const FORMS: readonly (readonly [RegExp, (match: RegExpExecArray) => Step | undefined])[] = [
  [/^\.\.(?=[^.])/, () => everything],
  [/^\.?\[\s*\*?\s*\]|^\.?\*/, () => children],
  [/^\.((?:\\.|[^.[\]\\\s{}*])+)/, ([, name]) => property(name!)],
  [
    /^\.?\[\s*(?:'((?:\\.|[^'\\])*)'|"((?:\\.|[^"\\])*)")\s*\]/,
    ([, single, double]) => property(single ?? double!),
  ],
  [/^\.?\[\s*(-?\d*)\s*:\s*(-?\d*)\s*(?::\s*(\d*)\s*)?\]/, ([, from, to, by]) => range(from, to, by)],
  [/^\.?\[((?:\s*-?\d+\s*,?)+)\]/, ([, positions]) => items(positions!.split(',').map(Number))],
  [/^\.?\[\?\(\s*((?:"[^"]*"|'[^']*'|[^()"'])*)\)\]/, ([, condition]) => filter(condition!.trim())],
  [/^\.$/, () => undefined],
];

function nextStep(text: string): Parsed | undefined {
  for (const [form, read] of FORMS) {
    const match = form.exec(text);
    if (match) {
      const step = read(match);
      return step || text === '.' ? { read: step, length: match[0].length } : undefined;
    }
  }
  // `..name` goes on with a name that has no point of its own.
  const name = /^[\w-]+/.exec(text)?.[0];
  return name ? { read: property(name), length: name.length } : undefined;
}

function property(text: string): Step {
  const name = text.replace(/\\(.)/g, '$1');
  return (value) => (isObject(value) && Object.hasOwn(value, name) ? [value[name]] : []);
}

const children: Step = (value) =>
  Array.isArray(value) ? value : isObject(value) ? Object.values(value) : [];

const everything: Step = (value) => [value, ...children(value).flatMap(everything)];

const items =
  (positions: readonly number[]): Step =>
  (value) =>
    Array.isArray(value) ? positions.map((at) => value.at(at)).filter((item) => item !== undefined) : [];

const range =
  (from = '', to = '', by = ''): Step =>
  (value) => {
    if (!Array.isArray(value)) return [];
    const every = by === '' ? 1 : Number(by);
    const part = value.slice(from === '' ? 0 : Number(from), to === '' ? undefined : Number(to));
    return every > 0 ? part.filter((_, at) => at % every === 0) : [];
  };

type Comparison = (a: never, b: never) => boolean;
const OPERATORS: Readonly<Record<string, Comparison>> = {
  '==': (a: unknown, b: unknown) => a === b,
  '!=': (a: unknown, b: unknown) => a !== b,
  '<': (a: number, b: number) => a < b,
  '<=': (a: number, b: number) => a <= b,
  '>': (a: number, b: number) => a > b,
  '>=': (a: number, b: number) => a >= b,
};

/** The items of which the condition is true: that something is there, or how two things compare. */
function filter(condition: string): Step | undefined {
  const parts = /^(@(?:"[^"]*"|'[^']*'|[^=!<>"'])*)(?:(==|!=|<=|>=|<|>)\s*(.+))?$/.exec(condition);
  const left = parts && operand(parts[1]!.trim());
  if (!left) return undefined;
  if (parts[2] === undefined) return (value) => children(value).filter((item) => left(item) !== undefined);
  const compare = OPERATORS[parts[2]]!;
  const right = operand(parts[3]!.trim());
  if (!right) return undefined;
  return (value) =>
    children(value).filter((item) => {
      const [a, b] = [left(item), right(item)];
      return a !== undefined && b !== undefined && typeof a === typeof b && compare(a as never, b as never);
    });
}

function operand(text: string): PathReader | undefined {
  if (text.startsWith('@')) return compilePath(text.slice(1));
  const quoted = /^(?:"([^"]*)"|'([^']*)')$/.exec(text);
  if (quoted) return () => quoted[1] ?? quoted[2];
  if (text === 'true' || text === 'false') return () => text === 'true';
  return /^-?\d+(\.\d+)?$/.test(text) ? () => Number(text) : undefined;
}
