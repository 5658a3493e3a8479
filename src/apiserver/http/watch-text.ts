import type { Status } from '../../kube/index.ts';
import type { EntryEvent, ResourceDefinition } from '../registry/contract.ts';
import type { OutputType } from './media-type.ts';
import { partialMetadata } from './partial-metadata.ts';
import { entryProtobuf, errorFrame, eventFrame, PROTOBUF_TYPE, partialProtobuf } from './protobuf/index.ts';
import { type IncludeObject, tableText } from './table.ts';

const END = Buffer.from('}\n');
const HEADS = Object.fromEntries(
  ['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK'].map((type) => [
    type,
    Buffer.from(`{"type":"${type}","object":`),
  ]),
) as Record<EntryEvent['type'], Buffer>;

/** Turns batches of events into the bytes of a watch response. */
export type WatchEncoder = (events: readonly EntryEvent[]) => Buffer;

/** An encoder for one watch: it remembers whether a table's columns have been sent. */
export function watchEncoder(
  definition: ResourceDefinition,
  output: OutputType,
  includeObject: IncludeObject,
  now: () => number,
): WatchEncoder {
  if (output.format === 'protobuf') {
    const version = output.transform && (output.transformVersion ?? 'v1');
    const bytes = ({ entry }: EntryEvent) =>
      version ? partialProtobuf(entry, version) : entryProtobuf(entry);
    return (events) => Buffer.concat(events.map((event) => eventFrame(event.type, bytes(event))));
  }
  if (output.transform === undefined)
    return (events) => Buffer.concat(events.flatMap(({ type, entry }) => [HEADS[type], entry.json(), END]));

  const version = output.transformVersion ?? 'v1';
  let noHeaders = false;
  const text = ({ entry }: EntryEvent): string => {
    if (output.transform !== 'Table') return JSON.stringify(partialMetadata(entry.object, version));
    const metadata = { resourceVersion: entry.object.metadata.resourceVersion };
    const table = tableText(definition, [entry], metadata, {
      includeObject,
      version,
      nowMs: now(),
      noHeaders,
    });
    noHeaders = true;
    return table;
  };
  return (events) =>
    Buffer.from(events.map((event) => `{"type":"${event.type}","object":${text(event)}}\n`).join(''));
}

/** The last event of a watch that failed after its start. */
export function watchError(status: Status, { format }: OutputType): Buffer {
  if (format === 'protobuf') return errorFrame(status);
  return Buffer.from(`${JSON.stringify({ type: 'ERROR', object: status })}\n`);
}

/** The media type of a watch's response. */
export function watchType({ format }: OutputType): string {
  return format === 'protobuf' ? `${PROTOBUF_TYPE};stream=watch` : 'application/json';
}
