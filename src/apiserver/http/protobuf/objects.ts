import { apiVersionOf, type Status } from '../../../kube/index.ts';
import type { Entry, EntryEvent, EntryList } from '../../registry/contract.ts';
import { encodeMessage } from './encode.ts';
import { delimited, ENVELOPE_TAIL, envelope, envelopeHead, type TypeMeta } from './envelope.ts';
import { type Kind, kindOf, messageOfKind } from './kinds.ts';
import { messageOf } from './message.ts';
import { type WireMessage, wireMessage } from './wire-message.ts';

const CHUNK_BYTES = 128 * 1024;

/** metav1.PartialObjectMetadata: an object's metadata alone. */
const PARTIAL: WireMessage = wireMessage('PartialObjectMetadata', [
  {
    number: 1,
    name: 'metadata',
    type: { kind: 'message', model: 'V1ObjectMeta' },
    byValue: true,
    required: false,
  },
]);

/** Whether objects of a kind have a protobuf form. */
export function hasProtobuf(kind: Kind): boolean {
  return messageOfKind(kind) !== undefined;
}

/** An object of a kind that has a wire form, e.g. a Status. */
export function protobufOf(object: TypeMeta): Buffer {
  return envelope(object, [encodeMessage(messageOfObject(object), object)]);
}

function messageOfObject({ apiVersion, kind }: TypeMeta): WireMessage {
  const message = messageOfKind(kindOf(apiVersion, kind));
  if (!message) throw new Error(`${apiVersion} ${kind} has no protobuf form`);
  return message;
}

const messages = new WeakMap<Entry, Buffer>();

/** The message of an entry's object, made once and shared, as its JSON is. */
function messageBytes(entry: Entry): Buffer {
  let bytes = messages.get(entry);
  if (!bytes) {
    bytes = encodeMessage(messageOfObject(entry.object), entry.object);
    messages.set(entry, bytes);
  }
  return bytes;
}

/** A stored object. */
export function entryProtobuf(entry: Entry): Buffer {
  return envelope(entry.object, [messageBytes(entry)]);
}

/** A stored object's metadata alone. `version` of meta.k8s.io. */
export function partialProtobuf({ object }: Entry, version: string): Buffer {
  return envelope(partialType('PartialObjectMetadata', version), [encodeMessage(PARTIAL, object)]);
}

/** A list of stored objects, in chunks. */
export function listProtobuf(kind: Kind, list: EntryList, metadata: object): Generator<Buffer> {
  const type = { apiVersion: apiVersionOf(kind), kind: `${kind.kind}List` };
  return listChunks(type, metadata, list.entries.map(messageBytes));
}

/** As listProtobuf, of their metadata alone. */
export function partialListProtobuf(list: EntryList, metadata: object, version: string): Buffer {
  const items = list.entries.map(({ object }) => encodeMessage(PARTIAL, object));
  return Buffer.concat([...listChunks(partialType('PartialObjectMetadataList', version), metadata, items)]);
}

function partialType(kind: string, version: string): TypeMeta {
  return { apiVersion: `meta.k8s.io/${version}`, kind };
}

/** The length comes before the items: all of them are encoded when the first chunk leaves. */
function* listChunks(type: TypeMeta, metadata: object, items: readonly Buffer[]): Generator<Buffer> {
  const head = delimited(1, [encodeMessage(messageOf('V1ListMeta'), metadata)]);
  const parts = [...head, ...items.flatMap((item) => delimited(2, [item]))];
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  let chunk = [envelopeHead(type, length)];
  let size = 0;
  for (const part of parts) {
    chunk.push(part);
    size += part.length;
    if (size < CHUNK_BYTES) continue;
    yield Buffer.concat(chunk);
    chunk = [];
    size = 0;
  }
  yield Buffer.concat([...chunk, ENVELOPE_TAIL]);
}

/** An event of a watch: its length in four bytes, then a metav1.WatchEvent with the object in its envelope. */
export function eventFrame(type: EntryEvent['type'] | 'ERROR', object: Buffer): Buffer {
  const event = [...delimited(1, [Buffer.from(type)]), ...delimited(2, delimited(1, [object]))];
  const length = Buffer.alloc(4);
  length.writeUInt32BE(event.reduce((sum, part) => sum + part.length, 0));
  return Buffer.concat([length, ...event]);
}

export function errorFrame(status: Status): Buffer {
  return eventFrame('ERROR', protobufOf(status));
}
