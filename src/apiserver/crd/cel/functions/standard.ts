import { goRegExp, PatternError } from '../../regexp.ts';
import {
  Duration,
  EvaluationError,
  Fields,
  isEqual,
  isNumber,
  kindOf,
  List,
  numberOf,
  parseDuration,
  parseTimestamp,
  Timestamp,
  TypeName,
  Uint,
  type Value,
} from '../values.ts';
import { type Overload, overload } from './define.ts';

// The standard functions of CEL.

const int = (value: bigint): bigint => {
  if (value > 2n ** 63n - 1n || value < -(2n ** 63n)) throw new EvaluationError('integer overflow');
  return value;
};
const uint = (value: bigint): Uint => {
  if (value < 0n || value > 2n ** 64n - 1n) throw new EvaluationError('unsigned integer overflow');
  return new Uint(value);
};

type Operation = (a: bigint, b: bigint) => bigint;
const divide: Operation = (a, b) => {
  if (b === 0n) throw new EvaluationError('division by zero');
  return a / b;
};
const modulo: Operation = (a, b) => {
  if (b === 0n) throw new EvaluationError('modulus by zero');
  return a % b;
};

const whole = (sign: string, operation: Operation): Overload[] => [
  overload(`_${sign}_(int,int):int`, (a: bigint, b: bigint) => int(operation(a, b))),
  overload(`_${sign}_(uint,uint):uint`, (a: Uint, b: Uint) => uint(operation(a.value, b.value))),
];
const real = (sign: string, operation: (a: number, b: number) => number): Overload =>
  overload(`_${sign}_(double,double):double`, operation);

const arithmetic: readonly Overload[] = [
  ...whole('+', (a, b) => a + b),
  ...whole('-', (a, b) => a - b),
  ...whole('*', (a, b) => a * b),
  ...whole('/', divide),
  ...whole('%', modulo),
  real('+', (a, b) => a + b),
  real('-', (a, b) => a - b),
  real('*', (a, b) => a * b),
  real('/', (a, b) => a / b),
  overload('-_(int):int', (a: bigint) => int(-a)),
  overload('-_(double):double', (a: number) => -a),
  overload('!_(bool):bool', (a: boolean) => !a),
  overload('_+_(string,string):string', (a: string, b: string) => a + b),
  overload('_+_(bytes,bytes):bytes', (a: Uint8Array, b: Uint8Array) => Uint8Array.from([...a, ...b])),
  overload('_+_(list<A>,list<A>):list<A>', (a: List, b: List) => concatenated(a, b)),
  overload(
    '_+_(timestamp,duration):timestamp',
    (a: Timestamp, b: Duration) => new Timestamp(a.nanos + b.nanos),
  ),
  overload(
    '_+_(duration,timestamp):timestamp',
    (a: Duration, b: Timestamp) => new Timestamp(a.nanos + b.nanos),
  ),
  overload('_+_(duration,duration):duration', (a: Duration, b: Duration) => new Duration(a.nanos + b.nanos)),
  overload(
    '_-_(timestamp,timestamp):duration',
    (a: Timestamp, b: Timestamp) => new Duration(a.nanos - b.nanos),
  ),
  overload(
    '_-_(timestamp,duration):timestamp',
    (a: Timestamp, b: Duration) => new Timestamp(a.nanos - b.nanos),
  ),
  overload('_-_(duration,duration):duration', (a: Duration, b: Duration) => new Duration(a.nanos - b.nanos)),
];

/** Sets stay sets when they are joined. */
/** A set gets what it has not; of a keyed list the items with the same keys are replaced where they stand. */
function concatenated(a: List, b: List): List {
  const joined = a.values();
  for (const one of b.values()) {
    const at = a.listType ? joined.findIndex((other) => isSameItem(a, one, other)) : -1;
    if (at < 0) joined.push(one);
    else if (a.listType === 'map') joined[at] = one;
  }
  return List.of(joined, a);
}

function isSameItem({ listType, listMapKeys }: List, a: Value, b: Value): boolean {
  if (listType === 'set') return isEqual(a, b);
  if (listType !== 'map' || !(a instanceof Fields) || !(b instanceof Fields)) return false;
  return listMapKeys.every((key) => isEqual(a.get(key) ?? null, b.get(key) ?? null));
}

/** Orders values of one type, or numbers. */
export function compare(a: Value, b: Value): number {
  if (isNumber(a) && isNumber(b)) {
    const [left, right] = [numberOf(a), numberOf(b)];
    return left < right ? -1 : left > right ? 1 : left >= right ? 0 : Number.NaN;
  }
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b);
  if (a instanceof Timestamp || a instanceof Duration) {
    const [left, right] = [a.nanos, (b as Timestamp).nanos];
    return left < right ? -1 : left > right ? 1 : 0;
  }
  if (typeof a === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(b as string));
  return Number(a) - Number(b);
}

const ORDERED = ['int', 'uint', 'double', 'string', 'bytes', 'bool', 'timestamp', 'duration'];
const MIXED = ['int', 'uint', 'double'].flatMap((a) =>
  ['int', 'uint', 'double'].filter((b) => a !== b).map((b) => `${a},${b}`),
);
const pairs = [...ORDERED.map((type) => `${type},${type}`), ...MIXED];
const comparison = (sign: string, decide: (order: number) => boolean): Overload[] =>
  pairs.map((types) => overload(`_${sign}_(${types}):bool`, (a: Value, b: Value) => decide(compare(a, b))));

const comparisons: readonly Overload[] = [
  overload('_==_(A,A):bool', isEqual),
  overload('_!=_(A,A):bool', (a: Value, b: Value) => !isEqual(a, b)),
  ...comparison('<', (order) => order < 0),
  ...comparison('<=', (order) => order <= 0),
  ...comparison('>', (order) => order > 0),
  ...comparison('>=', (order) => order >= 0),
  overload('@in(A,list<A>):bool', (a: Value, list: List) => list.values().some((one) => isEqual(one, a))),
  overload('@in(A,map<A,B>):bool', (a: Value, map: Fields) => map.get(a) !== undefined),
];

const size = (text: string): bigint => BigInt([...text].length);
// biome-ignore lint/suspicious/noExplicitAny: each is only ever given values of its own type
const SIZES: readonly (readonly [string, (value: any) => bigint])[] = [
  ['string', size],
  ['bytes', (value: Uint8Array) => BigInt(value.length)],
  ['list<A>', (value: List) => BigInt(value.size)],
  ['map<A,B>', (value: Fields) => BigInt(value.size)],
];

/** Patterns are RE2's; a bad one fails the rule. */
export function pattern(text: string): RegExp {
  try {
    return goRegExp(text);
  } catch (error) {
    if (error instanceof PatternError) throw new EvaluationError(error.message);
    throw error;
  }
}

const texts: readonly Overload[] = [
  ...SIZES.flatMap(([type, count]) => [
    overload(`size(${type}):int`, count),
    overload(`${type}.size():int`, count),
  ]),
  overload('string.contains(string):bool', (a: string, b: string) => a.includes(b)),
  overload('string.startsWith(string):bool', (a: string, b: string) => a.startsWith(b)),
  overload('string.endsWith(string):bool', (a: string, b: string) => a.endsWith(b)),
  overload('string.matches(string):bool', (a: string, b: string) => pattern(b).test(a)),
  overload('matches(string,string):bool', (a: string, b: string) => pattern(b).test(a)),
];

function truncated(value: number): bigint {
  if (!Number.isFinite(value) || Math.abs(value) >= 2 ** 63) throw new EvaluationError('integer overflow');
  return BigInt(Math.trunc(value));
}
const fails = (from: string, to: string) =>
  new EvaluationError(`type conversion error from '${from}' to '${to}'`);

export function durationText({ nanos }: Duration): string {
  const sign = nanos < 0n ? '-' : '';
  const all = nanos < 0n ? -nanos : nanos;
  const fraction = String(all % 1_000_000_000n)
    .padStart(9, '0')
    .replace(/0+$/, '');
  return `${sign}${all / 1_000_000_000n}${fraction ? `.${fraction}` : ''}s`;
}

export function timestampText({ nanos }: Timestamp): string {
  const seconds = nanos / 1_000_000_000n - (nanos % 1_000_000_000n < 0n ? 1n : 0n);
  const rest = String(nanos - seconds * 1_000_000_000n)
    .padStart(9, '0')
    .replace(/0+$/, '');
  return `${new Date(Number(seconds) * 1000).toISOString().slice(0, 19)}${rest ? `.${rest}` : ''}Z`;
}

const conversions: readonly Overload[] = [
  overload('dyn(A):dyn', (a: Value) => a),
  overload('type(A):type', (a: Value) => new TypeName(kindOf(a))),
  overload('int(int):int', (a: bigint) => a),
  overload('int(uint):int', (a: Uint) => int(a.value)),
  overload('int(double):int', truncated),
  overload('int(timestamp):int', (a: Timestamp) => a.nanos / 1_000_000_000n),
  overload('int(string):int', (a: string) => {
    if (!/^[+-]?\d+$/.test(a)) throw fails('string', 'int');
    return int(BigInt(a.replace('+', '')));
  }),
  overload('uint(uint):uint', (a: Uint) => a),
  overload('uint(int):uint', (a: bigint) => uint(a)),
  overload('uint(double):uint', (a: number) => uint(truncated(a))),
  overload('uint(string):uint', (a: string) => {
    if (!/^\d+$/.test(a)) throw fails('string', 'uint');
    return uint(BigInt(a));
  }),
  overload('double(double):double', (a: number) => a),
  overload('double(int):double', Number),
  overload('double(uint):double', (a: Uint) => Number(a.value)),
  overload('double(string):double', (a: string) => {
    if (a.trim() === '' || Number.isNaN(Number(a))) throw fails('string', 'double');
    return Number(a);
  }),
  overload('string(string):string', (a: string) => a),
  overload('string(int):string', String),
  overload('string(uint):string', (a: Uint) => String(a.value)),
  overload('string(double):string', String),
  overload('string(bool):string', String),
  overload('string(bytes):string', (a: Uint8Array) => Buffer.from(a).toString('utf8')),
  overload('string(timestamp):string', timestampText),
  overload('string(duration):string', durationText),
  overload('bytes(bytes):bytes', (a: Uint8Array) => a),
  overload('bytes(string):bytes', (a: string) => new TextEncoder().encode(a)),
  overload('bool(bool):bool', (a: boolean) => a),
  overload('bool(string):bool', (a: string) => {
    if (/^(1|t|T|TRUE|true|True)$/.test(a)) return true;
    if (/^(0|f|F|FALSE|false|False)$/.test(a)) return false;
    throw fails('string', 'bool');
  }),
  overload('duration(duration):duration', (a: Duration) => a),
  overload('duration(string):duration', (a: string) => {
    const value = parseDuration(a);
    if (!value) throw fails('string', 'google.protobuf.Duration');
    return value;
  }),
  overload('timestamp(timestamp):timestamp', (a: Timestamp) => a),
  overload('timestamp(int):timestamp', (a: bigint) => new Timestamp(a * 1_000_000_000n)),
  overload('timestamp(string):timestamp', (a: string) => {
    const value = parseTimestamp(a);
    if (!value) throw fails('string', 'google.protobuf.Timestamp');
    return value;
  }),
];

const parts = (name: string, read: (date: Date) => number): Overload[] => {
  const dateOf = ({ nanos }: Timestamp, zone = 'UTC'): Date => {
    const ms = Number(nanos / 1_000_000n);
    const offset = /^([+-])(\d\d):(\d\d)$/.exec(zone);
    if (offset)
      return new Date(
        ms + (offset[1] === '-' ? -1 : 1) * (Number(offset[2]) * 60 + Number(offset[3])) * 60_000,
      );
    try {
      const text = new Date(ms).toLocaleString('sv', { timeZone: zone });
      return new Date(Date.parse(`${text.replace(' ', 'T')}Z`) + (ms % 1000));
    } catch {
      throw new EvaluationError(`unknown time zone ${zone}`);
    }
  };
  return [
    overload(`timestamp.${name}():int`, (a: Timestamp) => BigInt(read(dateOf(a)))),
    overload(`timestamp.${name}(string):int`, (a: Timestamp, zone: string) => BigInt(read(dateOf(a, zone)))),
  ];
};
const dayOfYear = (date: Date): number =>
  Math.floor(
    (Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()) -
      Date.UTC(date.getUTCFullYear(), 0, 1)) /
      86_400_000,
  );

const times: readonly Overload[] = [
  ...parts('getFullYear', (date) => date.getUTCFullYear()),
  ...parts('getMonth', (date) => date.getUTCMonth()),
  ...parts('getDate', (date) => date.getUTCDate()),
  ...parts('getDayOfMonth', (date) => date.getUTCDate() - 1),
  ...parts('getDayOfWeek', (date) => date.getUTCDay()),
  ...parts('getDayOfYear', dayOfYear),
  ...parts('getHours', (date) => date.getUTCHours()),
  ...parts('getMinutes', (date) => date.getUTCMinutes()),
  ...parts('getSeconds', (date) => date.getUTCSeconds()),
  ...parts('getMilliseconds', (date) => date.getUTCMilliseconds()),
  overload('duration.getHours():int', (a: Duration) => a.nanos / 3_600_000_000_000n),
  overload('duration.getMinutes():int', (a: Duration) => a.nanos / 60_000_000_000n),
  overload('duration.getSeconds():int', (a: Duration) => a.nanos / 1_000_000_000n),
  overload('duration.getMilliseconds():int', (a: Duration) => a.nanos / 1_000_000n),
];

export const standard: readonly Overload[] = [
  ...arithmetic,
  ...comparisons,
  ...texts,
  ...conversions,
  ...times,
];
