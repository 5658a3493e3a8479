import { WireError, WireReader } from './reader.ts';
import { DELIMITED, ReverseWriter } from './writer.ts';

/** The media type, and what every message of it begins with. */
export const PROTOBUF_TYPE = 'application/vnd.kubernetes.protobuf';
const PREFIX = Buffer.from('k8s\0');
/** What comes after the message: contentEncoding and contentType of runtime.Unknown, empty strings that Go writes. */
export const ENVELOPE_TAIL = Buffer.from([0x1a, 0, 0x22, 0]);

export interface TypeMeta {
  readonly apiVersion: string;
  readonly kind: string;
}

/** A message with its type (runtime.Unknown): typeMeta, raw. */
export interface Envelope extends TypeMeta {
  readonly raw: Buffer;
}

/** A message in its envelope. `raw`: its parts in order. */
export function envelope(type: TypeMeta, raw: readonly Buffer[]): Buffer {
  const length = raw.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([envelopeHead(type, length), ...raw, ENVELOPE_TAIL]);
}

/** What comes before a message of so many bytes. */
export function envelopeHead({ apiVersion, kind }: TypeMeta, length: number): Buffer {
  const writer = new ReverseWriter();
  writer.varint(length);
  writer.tag(2, DELIMITED);
  const before = writer.length;
  writer.string(2, kind);
  writer.string(1, apiVersion);
  writer.close(1, before);
  writer.bytes(PREFIX);
  return writer.finish();
}

/** @throws WireError in upstream's words. */
export function openEnvelope(body: Buffer): Envelope {
  if (body.length === 0) throw new WireError('empty data');
  if (!body.subarray(0, PREFIX.length).equals(PREFIX))
    throw new WireError(
      `provided data does not appear to be a protobuf message, expected prefix [${[...PREFIX].join(' ')}]`,
    );
  if (body.length === PREFIX.length) throw new WireError('empty body');
  const reader = new WireReader(body, PREFIX.length);
  let type: TypeMeta = { apiVersion: '', kind: '' };
  let raw = Buffer.alloc(0);
  while (!reader.done) {
    const { field, wireType } = reader.tag('Unknown');
    if (wireType !== DELIMITED || field > 2) reader.skip(wireType);
    else if (field === 1) type = readTypeMeta(reader.part());
    else raw = reader.bytes() as Buffer<ArrayBuffer>;
  }
  return { ...type, raw };
}

function readTypeMeta(reader: WireReader): TypeMeta {
  const texts: Record<number, string> = {};
  while (!reader.done) {
    const { field, wireType } = reader.tag('TypeMeta');
    if (wireType === DELIMITED && field <= 2) texts[field] = reader.string();
    else reader.skip(wireType);
  }
  return { apiVersion: texts[1] ?? '', kind: texts[2] ?? '' };
}

/** A delimited field: tag, length, content. */
export function delimited(field: number, content: readonly Buffer[]): readonly Buffer[] {
  const writer = new ReverseWriter();
  writer.varint(content.reduce((sum, part) => sum + part.length, 0));
  writer.tag(field, DELIMITED);
  return [writer.finish(), ...content];
}
