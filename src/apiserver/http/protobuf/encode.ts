import { messageOf } from './message.ts';
import { type JsonObject, type WireField, type WireMessage, type WireType, zeroOf } from './wire-message.ts';
import { FIXED64, ReverseWriter, VARINT } from './writer.ts';

/** An object in the JSON form of its schema as a protobuf message: the bytes that upstream's generated code makes. */
export function encodeMessage(message: WireMessage, object: object): Buffer {
  const writer = new ReverseWriter();
  writeFields(writer, message, object as JsonObject);
  return writer.finish();
}

function writeFields(writer: ReverseWriter, message: WireMessage, object: JsonObject): void {
  for (let index = message.fields.length - 1; index >= 0; index--) {
    const field = message.fields[index]!;
    if ('embedded' in field) {
      const before = writer.length;
      writeFields(writer, field.embedded, object);
      writer.close(field.number, before);
    } else writeField(writer, field, object[field.name]);
  }
}

function writeField(writer: ReverseWriter, { number, type, byValue }: WireField, value: unknown): void {
  const isSet = value !== undefined && value !== null;
  if (type.kind === 'list') {
    if (isSet) writeList(writer, number, type.of, value as readonly unknown[]);
  } else if (type.kind === 'map') {
    if (isSet) writeMap(writer, number, type.of, value as JsonObject);
  } else if (isSet || (byValue && type.kind !== 'bytes')) writeValue(writer, number, type, value);
}

function writeList(writer: ReverseWriter, number: number, of: WireType, items: readonly unknown[]): void {
  for (let index = items.length - 1; index >= 0; index--) writeValue(writer, number, of, items[index]);
}

/** Entries in the order of their keys. */
function writeMap(writer: ReverseWriter, number: number, of: WireType, entries: JsonObject): void {
  for (const key of Object.keys(entries).sort().reverse()) {
    const before = writer.length;
    writeValue(writer, 2, of, entries[key]);
    writer.string(1, key);
    writer.close(number, before);
  }
}

function writeValue(writer: ReverseWriter, number: number, type: WireType, given: unknown): void {
  const value = given ?? zeroOf(type);
  switch (type.kind) {
    case 'string':
      writer.string(number, value as string);
      break;
    case 'bool':
      writer.varint(value ? 1 : 0);
      writer.tag(number, VARINT);
      break;
    case 'int32':
    case 'int64':
      writer.varint(value as number);
      writer.tag(number, VARINT);
      break;
    case 'double':
      writer.double(value as number);
      writer.tag(number, FIXED64);
      break;
    default: {
      const before = writer.length;
      if (value !== undefined) writeContent(writer, type, value);
      writer.close(number, before);
    }
  }
}

/** What is between the length of a delimited field and its end. */
function writeContent(writer: ReverseWriter, type: WireType, value: unknown): void {
  switch (type.kind) {
    case 'message':
      writeFields(writer, messageOf(type.model), value as JsonObject);
      break;
    case 'form':
      writeFields(writer, type.form.message, type.form.pack(value));
      break;
    case 'bytes':
      writer.bytes(Buffer.from(value as string, 'base64'));
      break;
    default:
      throw new Error(`a ${type.kind} inside a ${type.kind} has no wire form`);
  }
}
