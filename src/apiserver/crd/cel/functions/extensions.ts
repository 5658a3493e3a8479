import {
  BudgetError,
  Duration,
  EvaluationError,
  Fields,
  isEqual,
  kindOf,
  List,
  numberOf,
  Optional,
  Timestamp,
  Uint,
  type Value,
} from '../values.ts';
import { type Overload, overload } from './define.ts';
import { compare, durationText, pattern, timestampText } from './standard.ts';

// Strings, lists, sets, regular expressions and optional values: cel-go's and Kubernetes' extensions.

function position(text: readonly string[], index: bigint): number {
  if (index < 0n || index > BigInt(text.length)) throw new EvaluationError(`index out of range: ${index}`);
  return Number(index);
}
/** Positions count code points, as Go's runes. */
const runes = (text: string): string[] => [...text];

function indexOf(text: string, part: string, from = 0n): bigint {
  const all = runes(text);
  const found = all.slice(position(all, from)).join('').indexOf(part);
  return found < 0 ? -1n : from + BigInt(runes(all.slice(Number(from)).join('').slice(0, found)).length);
}
function lastIndexOf(text: string, part: string, from?: bigint): bigint {
  const all = runes(text);
  const wanted = runes(part);
  const last = from === undefined ? all.length - wanted.length : position(all, from);
  for (let at = Math.min(last, all.length - wanted.length); at >= 0; at--)
    if (wanted.every((rune, offset) => all[at + offset] === rune)) return BigInt(at);
  return -1n;
}
function substring(text: string, from: bigint, to?: bigint): string {
  const all = runes(text);
  const end = to === undefined ? all.length : position(all, to);
  const start = position(all, from);
  if (start > end) throw new EvaluationError(`invalid substring range. start: ${start}, end: ${end}`);
  return all.slice(start, end).join('');
}
function replace(text: string, old: string, by: string, limit = -1n): string {
  if (limit < 0n) return text.replaceAll(old, () => by);
  let left = limit;
  return text.replaceAll(old, (found) => (left-- > 0n ? by : found));
}
function split(text: string, by: string, limit = -1n): List {
  if (limit === 0n) return List.of([]);
  const parts = text.split(by);
  if (limit < 0n || BigInt(parts.length) <= limit) return List.of(parts);
  const head = parts.slice(0, Number(limit) - 1);
  return List.of([...head, parts.slice(head.length).join(by)]);
}
const upper = (text: string) => text.replace(/[a-z]+/g, (part) => part.toUpperCase());
const lower = (text: string) => text.replace(/[A-Z]+/g, (part) => part.toLowerCase());

function formatted(text: string, args: List): string {
  let next = 0;
  return text.replace(/%(?:%|(?:\.(\d+))?([sdfeboxX]))|%/g, (whole, precision?: string, verb?: string) => {
    if (whole === '%%') return '%';
    if (verb === undefined) throw new EvaluationError('could not parse formatting clause');
    if (next >= args.size) throw new EvaluationError(`index ${next} out of range`);
    return clause(args.at(next++), verb, precision === undefined ? 6 : Number(precision));
  });
}
function clause(value: Value, verb: string, precision: number): string {
  if (verb === 's') return shown(value);
  const number =
    typeof value === 'number' || typeof value === 'bigint' || value instanceof Uint
      ? numberOf(value)
      : undefined;
  if (verb === 'f' || verb === 'e') {
    if (number === undefined)
      throw new EvaluationError(
        `error during formatting: fixed-point clause can only be used on doubles, was given ${kindOf(value)}`,
      );
    return verb === 'f'
      ? Number(number).toFixed(precision)
      : Number(number)
          .toExponential(precision)
          .replace(/e([+-])(\d)$/, 'e$10$2');
  }
  if (verb === 'd' && number !== undefined) return String(number);
  if (typeof number === 'bigint') {
    const base = verb === 'b' ? 2 : verb === 'o' ? 8 : 16;
    const digits = number.toString(base);
    return verb === 'X' ? digits.toUpperCase() : digits;
  }
  if (verb === 'b' && typeof value === 'boolean') return value ? '1' : '0';
  if ((verb === 'x' || verb === 'X') && (typeof value === 'string' || value instanceof Uint8Array)) {
    const hex = Buffer.from(value as string).toString('hex');
    return verb === 'X' ? hex.toUpperCase() : hex;
  }
  throw new EvaluationError(`error during formatting: %${verb} cannot be used on ${kindOf(value)}`);
}
function shown(value: Value): string {
  if (value === null) return 'null';
  if (value instanceof List) return `[${value.values().map(shown).join(', ')}]`;
  if (value instanceof Fields)
    return `{${value
      .keys()
      .map((key) => `${shown(key)}: ${shown(value.get(key)!)}`)
      .sort()
      .join(', ')}}`;
  if (value instanceof Uint) return String(value.value);
  if (value instanceof Duration) return durationText(value);
  if (value instanceof Timestamp) return timestampText(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('utf8');
  return typeof value === 'object' ? kindOf(value) : String(value);
}

const ESCAPES: Readonly<Record<string, string>> = {
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
  '"': '\\"',
};
/** The text as a literal of CEL that a message can show. */
const quoted = (text: string): string =>
  `"${runes(text.toWellFormed())
    .map((rune) => ESCAPES[rune] ?? rune)
    .join('')}"`;

const strings: readonly Overload[] = [
  overload('string.charAt(int):string', (text: string, at: bigint) => {
    const all = runes(text);
    return all[position(all, at)] ?? '';
  }),
  overload('string.indexOf(string):int', indexOf),
  overload('string.indexOf(string,int):int', indexOf),
  overload('string.lastIndexOf(string):int', lastIndexOf),
  overload('string.lastIndexOf(string,int):int', lastIndexOf),
  overload('string.lowerAscii():string', lower),
  overload('string.upperAscii():string', upper),
  overload('string.replace(string,string):string', replace),
  overload('string.replace(string,string,int):string', replace),
  overload('string.split(string):list<string>', split),
  overload('string.split(string,int):list<string>', split),
  overload('string.substring(int):string', substring),
  overload('string.substring(int,int):string', substring),
  overload('string.trim():string', (text: string) => text.trim()),
  overload('strings.quote(string):string', quoted),
  overload('string.format(list<dyn>):string', formatted),
  overload('list<string>.join():string', (list: List) => list.values().join('')),
  overload('list<string>.join(string):string', (list: List, by: string) => list.values().join(by)),
  overload('string.find(string):string', (text: string, what: string) => pattern(what).exec(text)?.[0] ?? ''),
  overload('string.findAll(string):list<string>', (text: string, what: string) => findAll(text, what)),
  overload('string.findAll(string,int):list<string>', findAll),
];

function findAll(text: string, what: string, limit = -1n): List {
  const { source, flags } = pattern(what);
  const found = [...text.matchAll(new RegExp(source, `${flags}g`))].map(([match]) => match);
  return List.of(limit < 0n ? found : found.slice(0, Number(limit)));
}

const extreme = (list: List, sign: number): Value => {
  if (list.size === 0) throw new EvaluationError(`${sign < 0 ? 'min' : 'max'} called on empty list`);
  return list.values().reduce((best, one) => (compare(one, best) * sign > 0 ? one : best));
};
function total(list: List): Value {
  const values = list.values();
  if (values.length === 0) return 0n;
  if (values[0] instanceof Duration)
    return new Duration((values as Duration[]).reduce((all, one) => all + one.nanos, 0n));
  if (values[0] instanceof Uint)
    return new Uint((values as Uint[]).reduce((all, one) => all + one.value, 0n));
  if (typeof values[0] === 'number') return (values as number[]).reduce((all, one) => all + one, 0);
  return (values as bigint[]).reduce((all, one) => all + one, 0n);
}
const sorted = (list: List): List => List.of(list.values().sort(compare));
const distinct = (list: List): List => {
  const kept: Value[] = [];
  for (const value of list.values()) if (!kept.some((one) => isEqual(one, value))) kept.push(value);
  return List.of(kept);
};
const flattened = (list: List, depth = 1n): List =>
  List.of(
    list
      .values()
      .flatMap((one) => (one instanceof List && depth > 0n ? flattened(one, depth - 1n).values() : [one])),
  );

const lists: readonly Overload[] = [
  overload('list<A>.isSorted():bool', (list: List) => {
    const values = list.values();
    return values.every((value, index) => index === 0 || compare(values[index - 1]!, value) <= 0);
  }),
  overload('list<A>.sum():A', total),
  overload('list<A>.min():A', (list: List) => extreme(list, -1)),
  overload('list<A>.max():A', (list: List) => extreme(list, 1)),
  overload('list<A>.indexOf(A):int', (list: List, what: Value) =>
    BigInt(list.values().findIndex((one) => isEqual(one, what))),
  ),
  overload('list<A>.lastIndexOf(A):int', (list: List, what: Value) =>
    BigInt(list.values().findLastIndex((one) => isEqual(one, what))),
  ),
  overload('list<A>.distinct():list<A>', distinct),
  overload('list<A>.flatten():list<dyn>', (list: List) => flattened(list)),
  overload('list<A>.flatten(int):list<dyn>', flattened),
  overload('list<A>.reverse():list<A>', (list: List) => List.of(list.values().reverse())),
  overload('list<A>.sort():list<A>', sorted),
  overload('list<A>.slice(int,int):list<A>', (list: List, from: bigint, to: bigint) => {
    if (from < 0n || to > BigInt(list.size) || from > to)
      throw new EvaluationError(`cannot slice(${from}, ${to}), list is length ${list.size}`);
    return List.of(list.values().slice(Number(from), Number(to)));
  }),
];

const MAX_RANGE = 1_000_000n;
const ranges: readonly Overload[] = [
  overload('lists.range(int):list<int>', (size: bigint) => {
    // Each number costs one, and no rule may spend more than this.
    if (size > MAX_RANGE) throw new BudgetError('operation cancelled: actual cost limit exceeded');
    return List.of(Array.from({ length: Math.max(0, Number(size)) }, (_, at) => BigInt(at)));
  }),
];

const has = (list: List, what: Value): boolean => list.values().some((one) => isEqual(one, what));
const holds = (a: List, b: List): boolean => b.values().every((one) => has(a, one));
const sets: readonly Overload[] = [
  overload('sets.contains(list<A>,list<A>):bool', holds),
  overload('sets.equivalent(list<A>,list<A>):bool', (a: List, b: List) => holds(a, b) && holds(b, a)),
  overload('sets.intersects(list<A>,list<A>):bool', (a: List, b: List) =>
    b.values().some((one) => has(a, one)),
  ),
];

const isZero = (value: Value): boolean =>
  value === null ||
  value === false ||
  value === '' ||
  value === 0 ||
  value === 0n ||
  (value instanceof Uint && value.value === 0n) ||
  ((value instanceof List || value instanceof Fields) && value.size === 0) ||
  (value instanceof Uint8Array && value.length === 0);

const unwrap = (list: List): List =>
  List.of(
    list.values().flatMap((one) => (one instanceof Optional && one.value !== undefined ? [one.value] : [])),
  );

const optionals: readonly Overload[] = [
  overload('optional.of(A):optional<A>', (value: Value) => new Optional(value)),
  overload('optional.none():optional<A>', () => new Optional(undefined)),
  overload(
    'optional.ofNonZeroValue(A):optional<A>',
    (value: Value) => new Optional(isZero(value) ? undefined : value),
  ),
  overload('optional<A>.hasValue():bool', (one: Optional) => one.value !== undefined),
  overload('optional<A>.value():A', (one: Optional) => {
    if (one.value === undefined) throw new EvaluationError('optional.none() dereference');
    return one.value;
  }),
  overload('optional<A>.or(optional<A>):optional<A>', (one: Optional, other: Optional) =>
    one.value === undefined ? other : one,
  ),
  overload('optional<A>.orValue(A):A', (one: Optional, other: Value) => one.value ?? other),
  overload('optional.unwrap(list<optional<A>>):list<A>', unwrap),
  overload('list<optional<A>>.unwrapOpt():list<A>', unwrap),
  overload(
    'list<A>.first():optional<A>',
    (list: List) => new Optional(list.size > 0 ? list.at(0) : undefined),
  ),
  overload(
    'list<A>.last():optional<A>',
    (list: List) => new Optional(list.size > 0 ? list.at(list.size - 1) : undefined),
  ),
];

export const extensions: readonly Overload[] = [...strings, ...lists, ...ranges, ...sets, ...optionals];
