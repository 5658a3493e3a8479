import { setOwn } from '../../registry/schema/index.ts';
import { messageOf } from './message.ts';
import { WireError, WireReader } from './reader.ts';
import { type JsonObject, type WireField, type WireMessage, type WireType, zeroOf } from './wire-message.ts';
import { DELIMITED, FIXED64, VARINT } from './writer.ts';

/** Messages inside messages. The API's own types nest far less; schemas, which may nest as they like, have to stop. */
const MAX_DEPTH = 500;

/**
 * A protobuf message in the JSON form of its schema, as a client that sends JSON would have written it: where Go's zero
 * values stand for nothing they are left out. Fields that nobody knows are passed over, as upstream.
 * @throws WireError
 */
export function decodeMessage(message: WireMessage, bytes: Buffer): JsonObject {
  return readFields(new WireReader(bytes), message, {}, 0);
}

function readFields(reader: WireReader, message: WireMessage, into: JsonObject, depth: number): JsonObject {
  if (depth > MAX_DEPTH) throw new WireError(`exceeded max depth ${MAX_DEPTH}`);
  while (!reader.done) {
    const { field: number, wireType } = reader.tag(message.goName);
    const field = message.byNumber.get(number);
    if (!field) reader.skip(wireType);
    else if ('embedded' in field) {
      expect(wireType, DELIMITED, message.goName);
      readFields(reader.part(), field.embedded, into, depth + 1);
    } else readField(reader, wireType, field, into, depth);
  }
  return into;
}

function readField(reader: WireReader, wireType: number, field: WireField, into: JsonObject, depth: number) {
  const { name, type } = field;
  if (type.kind === 'list') {
    into[name] ??= [];
    readItems(reader, wireType, name, type.of, into[name] as unknown[], depth);
  } else if (type.kind === 'map') {
    expect(wireType, DELIMITED, name);
    into[name] ??= {};
    readEntry(reader.part(), name, type.of, into[name] as JsonObject, depth);
  } else {
    const value = readValue(reader, wireType, name, type, depth, into[name]);
    if (field.byValue && !field.required && isZero(type, value)) delete into[name];
    else if (value !== undefined) into[name] = value;
  }
}

/** One item, or several numbers in one field (packed). */
function readItems(
  reader: WireReader,
  wireType: number,
  name: string,
  of: WireType,
  items: unknown[],
  depth: number,
): void {
  const isNumber = of.kind === 'int32' || of.kind === 'int64';
  if (!isNumber || wireType !== DELIMITED) {
    items.push(readValue(reader, wireType, name, of, depth) ?? null);
    return;
  }
  const packed = reader.part();
  while (!packed.done) items.push(readValue(packed, VARINT, name, of, depth));
}

function readEntry(reader: WireReader, name: string, of: WireType, entries: JsonObject, depth: number): void {
  let key = '';
  let value = zeroOf(of);
  while (!reader.done) {
    const { field, wireType } = reader.tag(name);
    if (field === 1) {
      expect(wireType, DELIMITED, name);
      key = reader.string();
    } else if (field === 2) value = readValue(reader, wireType, name, of, depth + 1);
    else reader.skip(wireType);
  }
  setOwn(entries, key, value ?? null);
}

/** `previous`: what an earlier part of the same field has set; a message that comes in parts is merged. */
function readValue(
  reader: WireReader,
  wireType: number,
  name: string,
  type: WireType,
  depth: number,
  previous?: unknown,
): unknown {
  expect(wireType, WIRE_TYPES[type.kind] ?? DELIMITED, name);
  switch (type.kind) {
    case 'bool':
      return reader.varint() !== 0;
    case 'int32':
      return reader.varint() | 0;
    case 'int64':
      return reader.varint();
    case 'double':
      return reader.double();
    case 'string':
      return reader.string();
    case 'bytes':
      return reader.bytes().toString('base64');
    case 'message':
      return readFields(reader.part(), messageOf(type.model), (previous as JsonObject) ?? {}, depth + 1);
    case 'form': {
      const parts = readFields(reader.part(), type.form.message, {}, depth + 1);
      return Object.keys(parts).length === 0 ? type.form.zero : type.form.unpack(parts);
    }
    default:
      throw new Error(`${name}: a ${type.kind} inside a ${type.kind} has no wire form`);
  }
}

const WIRE_TYPES: Readonly<Partial<Record<WireType['kind'], number>>> = {
  bool: VARINT,
  int32: VARINT,
  int64: VARINT,
  double: FIXED64,
};

function expect(wireType: number, wanted: number, name: string): void {
  if (wireType !== wanted) throw new WireError(`proto: wrong wireType = ${wireType} for field ${name}`);
}

function isZero(type: WireType, value: unknown): boolean {
  if (type.kind === 'message') return Object.keys(value as JsonObject).length === 0;
  return value === zeroOf(type);
}
