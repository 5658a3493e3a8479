import type { Cidr, Ip } from '../ip.ts';
import { META_FIELDS, type Structural } from '../structural.ts';
import { isObject, type Json } from '../types.ts';
import { fieldSchema } from './types.ts';

/** What goes wrong while a rule runs. */
export class EvaluationError extends Error {
  override name = 'EvaluationError';
}

/** A rule costs more than it may. */
export class BudgetError extends Error {
  override name = 'BudgetError';
}

export class Uint {
  readonly value: bigint;
  constructor(value: bigint) {
    this.value = value;
  }
}

/** Nanoseconds since 1970, or of a length of time. */
export class Timestamp {
  readonly nanos: bigint;
  constructor(nanos: bigint) {
    this.nanos = nanos;
  }
}
export class Duration {
  readonly nanos: bigint;
  constructor(nanos: bigint) {
    this.nanos = nanos;
  }
}
export class Optional {
  readonly value: Value | undefined;
  constructor(value: Value | undefined) {
    this.value = value;
  }
}
/** A quantity as a whole number of `10 ** -scale`. */
export class Quantity {
  readonly digits: bigint;
  readonly scale: number;
  readonly text: string;
  constructor(digits: bigint, scale: number, text: string) {
    this.digits = digits;
    this.scale = scale;
    this.text = text;
  }
}
export class Url {
  readonly url: URL;
  readonly text: string;
  constructor(url: URL, text: string) {
    this.url = url;
    this.text = text;
  }
}
export class IpValue {
  readonly ip: Ip;
  constructor(ip: Ip) {
    this.ip = ip;
  }
}
export class CidrValue {
  readonly cidr: Cidr;
  constructor(cidr: Cidr) {
    this.cidr = cidr;
  }
}
export class Format {
  readonly name: string;
  readonly check: (text: string) => readonly string[];
  constructor(name: string, check: (text: string) => readonly string[]) {
    this.name = name;
    this.check = check;
  }
}
export class Semver {
  readonly core: readonly bigint[];
  readonly pre: string;
  readonly text: string;
  constructor(core: readonly bigint[], pre: string, text: string) {
    this.core = core;
    this.pre = pre;
    this.text = text;
  }
}
/** What type(x) gives. */
export class TypeName {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

/** A list, of an object or made by an expression. Items of objects become values when they are asked for. */
export class List {
  readonly #raw: readonly unknown[];
  readonly #schema: Structural | undefined;
  readonly #isJson: boolean;
  /** Of an object's list: set and map are compared without regard to order. */
  readonly listType: string | undefined;
  /** The fields that tell the items of a map apart. */
  readonly listMapKeys: readonly string[];

  private constructor(
    raw: readonly unknown[],
    isJson: boolean,
    schema?: Pick<Structural, 'listType' | 'listMapKeys'> & { readonly items?: Structural | undefined },
  ) {
    this.#raw = raw;
    this.#isJson = isJson;
    this.#schema = schema?.items;
    this.listType = schema?.listType;
    this.listMapKeys = schema?.listMapKeys ?? [];
  }
  /** A list that an expression makes; `like`: of what type. */
  static of(values: readonly Value[], like?: List): List {
    return new List(values, false, like);
  }
  static fromJson(raw: readonly unknown[], schema: Structural | undefined): List {
    return new List(raw, true, schema);
  }
  get size(): number {
    return this.#raw.length;
  }
  at(index: number): Value {
    return this.#isJson ? fromJson(this.#raw[index], this.#schema) : (this.#raw[index] as Value);
  }
  values(): Value[] {
    return this.#raw.map((_, index) => this.at(index));
  }
}

/** A map or an object. Keys of objects are the names of their fields, as expressions write them. */
export abstract class Fields {
  abstract readonly size: number;
  abstract get(key: Value): Value | undefined;
  abstract keys(): Value[];
}

export class JsonFields extends Fields {
  readonly #raw: Json;
  readonly #schema: Structural | undefined;
  constructor(raw: Json, schema: Structural | undefined) {
    super();
    this.#raw = raw;
    this.#schema = schema;
  }
  get #isMap(): boolean {
    return this.#schema === undefined || typeof this.#schema.additional === 'object';
  }
  get size(): number {
    return this.keys().length;
  }
  get(key: Value): Value | undefined {
    if (typeof key !== 'string' || !Object.hasOwn(this.#raw, key)) return undefined;
    if (this.#schema === undefined) return fromJson(this.#raw[key], undefined);
    const inner = fieldSchema(this.#schema, key) ?? this.#schema.additional;
    if (typeof inner !== 'object' && !this.#schema.preserves) return undefined;
    return fromJson(this.#raw[key], typeof inner === 'object' ? inner : undefined);
  }
  keys(): Value[] {
    const names = Object.keys(this.#raw);
    if (this.#isMap) return names;
    return names.filter(
      (name) => this.#schema!.properties.has(name) || (this.#schema!.embedded && META_FIELDS.has(name)),
    );
  }
}

export class MapFields extends Fields {
  readonly #entries = new Map<string, readonly [Value, Value]>();
  constructor(entries: Iterable<readonly [Value, Value]>) {
    super();
    for (const [key, value] of entries) this.#entries.set(keyText(key), [key, value]);
  }
  get size(): number {
    return this.#entries.size;
  }
  get(key: Value): Value | undefined {
    return this.#entries.get(keyText(key))?.[1];
  }
  keys(): Value[] {
    return [...this.#entries.values()].map(([key]) => key);
  }
}

export type Value =
  | bigint
  | number
  | string
  | boolean
  | null
  | Uint8Array
  | Uint
  | Timestamp
  | Duration
  | Optional
  | Quantity
  | Url
  | IpValue
  | CidrValue
  | Format
  | Semver
  | TypeName
  | List
  | Fields;

function keyText(key: Value): string {
  if (typeof key === 'string') return `s${key}`;
  if (typeof key === 'boolean') return `b${key}`;
  return `n${key instanceof Uint ? key.value : String(key)}`;
}

/** A part of an object as a rule sees it. */
export function fromJson(value: unknown, schema: Structural | undefined): Value {
  if (value === null || value === undefined) return null;
  switch (typeof value) {
    case 'number':
      if (schema?.type === 'number') return value;
      return Number.isInteger(value) ? BigInt(value) : value;
    case 'string':
      return schema?.type === 'string' ? textValue(value, schema.schema.format) : value;
    case 'boolean':
      return value;
  }
  if (Array.isArray(value)) return List.fromJson(value, schema);
  return isObject(value) ? new JsonFields(value, schema) : null;
}

function textValue(text: string, format: string | undefined): Value {
  switch (format) {
    case 'byte':
      return Uint8Array.from(Buffer.from(text, 'base64'));
    case 'duration':
      return parseDuration(text) ?? text;
    case 'date':
      return parseTimestamp(`${text}T00:00:00Z`) ?? text;
    case 'date-time':
      return parseTimestamp(text) ?? text;
    default:
      return text;
  }
}

const UNIT_NANOS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1000n,
  µs: 1000n,
  μs: 1000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};

/** A length of time as Go writes it: 1h30m. */
export function parseDuration(text: string): Duration | undefined {
  const match = /^([+-]?)((?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+|0)$/.exec(text);
  if (!match) return undefined;
  let nanos = 0n;
  for (const [, whole, fraction = '', unit] of match[2]!.matchAll(
    /(\d*)(?:\.(\d*))?(ns|us|µs|μs|ms|s|m|h)/g,
  )) {
    const scale = UNIT_NANOS[unit!]!;
    nanos += BigInt(whole || 0) * scale;
    if (fraction) nanos += (BigInt(fraction) * scale) / 10n ** BigInt(fraction.length);
  }
  return new Duration(match[1] === '-' ? -nanos : nanos);
}

export function parseTimestamp(text: string): Timestamp | undefined {
  const match = /^(\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?([Zz]|[+-]\d\d:\d\d)$/.exec(text);
  const ms = match ? Date.parse(`${match[1]!.toUpperCase()}${match[3]!.toUpperCase()}`) : Number.NaN;
  if (Number.isNaN(ms)) return undefined;
  return new Timestamp(BigInt(ms) * 1_000_000n + BigInt((match![2] ?? '').padEnd(9, '0')));
}

export function isEqual(a: Value, b: Value): boolean {
  if (a === b) return true;
  // An integer and a double are equal when neither is less: they are never identical.
  if (isNumber(a) && isNumber(b)) return numberOf(a) <= numberOf(b) && numberOf(a) >= numberOf(b);
  if (a instanceof List && b instanceof List) {
    if (a.size !== b.size) return false;
    const [left, right] = [a.values(), b.values()];
    if (a.listType === 'set' || a.listType === 'map')
      return left.every((one) => right.some((other) => isEqual(one, other)));
    return left.every((one, index) => isEqual(one, right[index]!));
  }
  if (a instanceof Fields && b instanceof Fields) {
    if (a.size !== b.size) return false;
    return a.keys().every((key) => {
      const other = b.get(key);
      return other !== undefined && isEqual(a.get(key)!, other);
    });
  }
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b) === 0;
  if (a instanceof Optional && b instanceof Optional)
    return a.value === undefined || b.value === undefined ? a.value === b.value : isEqual(a.value, b.value);
  if (a instanceof Quantity && b instanceof Quantity) return compareQuantities(a, b) === 0;
  if (a instanceof IpValue && b instanceof IpValue)
    return a.ip.family === b.ip.family && a.ip.value === b.ip.value;
  if (a instanceof CidrValue && b instanceof CidrValue)
    return (
      a.cidr.prefixLength === b.cidr.prefixLength && isEqual(new IpValue(a.cidr.ip), new IpValue(b.cidr.ip))
    );
  if (a instanceof Url && b instanceof Url) return a.text === b.text;
  if (a instanceof Semver && b instanceof Semver) return a.text === b.text;
  if (a instanceof Format && b instanceof Format) return a.name === b.name;
  if (a instanceof TypeName && b instanceof TypeName) return a.name === b.name;
  if ((a instanceof Timestamp && b instanceof Timestamp) || (a instanceof Duration && b instanceof Duration))
    return a.nanos === b.nanos;
  return false;
}

export const isNumber = (value: Value): value is bigint | number | Uint =>
  typeof value === 'bigint' || typeof value === 'number' || value instanceof Uint;

export const numberOf = (value: bigint | number | Uint): bigint | number =>
  value instanceof Uint ? value.value : value;

export function compareQuantities(a: Quantity, b: Quantity): number {
  const scale = Math.max(a.scale, b.scale);
  const [left, right] = [a, b].map((one) => one.digits * 10n ** BigInt(scale - one.scale)) as [
    bigint,
    bigint,
  ];
  return left < right ? -1 : left > right ? 1 : 0;
}

export function kindOf(value: Value): string {
  if (value === null) return 'null';
  switch (typeof value) {
    case 'bigint':
      return 'int';
    case 'number':
      return 'double';
    case 'string':
      return 'string';
    case 'boolean':
      return 'bool';
  }
  if (value instanceof Uint8Array) return 'bytes';
  if (value instanceof List) return 'list';
  if (value instanceof Fields) return 'map';
  return KINDS.find(([type]) => value instanceof type)![1];
}

const KINDS: readonly (readonly [abstract new (...args: never[]) => object, string])[] = [
  [Uint, 'uint'],
  [Timestamp, 'timestamp'],
  [Duration, 'duration'],
  [Optional, 'optional'],
  [TypeName, 'type'],
  [Quantity, 'kubernetes.Quantity'],
  [Url, 'kubernetes.URL'],
  [IpValue, 'net.IP'],
  [CidrValue, 'net.CIDR'],
  [Format, 'kubernetes.NamedFormat'],
  [Semver, 'kubernetes.Semver'],
];
