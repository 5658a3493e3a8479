import { apiVersionOf } from '../../kube/index.ts';
import type { Entry, EntryList, ResourceDefinition } from '../registry/contract.ts';

const CHUNK_BYTES = 128 * 1024;
const COMMA = Buffer.from(',');
const END = Buffer.from(']}\n');

/** metadata of a list response. */
export function listMetadata(list: Omit<EntryList, 'entries'>) {
  return {
    resourceVersion: String(list.revision),
    continue: list.continue,
    remainingItemCount: list.remainingItemCount,
  };
}

/** A list response in chunks, made of the entries' own JSON. */
export function* listChunks(
  definition: Pick<ResourceDefinition, 'group' | 'version' | 'kind'>,
  list: EntryList,
): Generator<Buffer> {
  const head = {
    kind: `${definition.kind}List`,
    apiVersion: apiVersionOf(definition),
    metadata: listMetadata(list),
  };
  let parts: Buffer[] = [Buffer.from(`${JSON.stringify(head).slice(0, -1)},"items":[`)];
  let size = parts[0]!.length;
  let first = true;
  for (const entry of list.entries as readonly Entry[]) {
    if (!first) parts.push(COMMA);
    first = false;
    const json = entry.json();
    parts.push(json);
    size += json.length + 1;
    if (size < CHUNK_BYTES) continue;
    yield Buffer.concat(parts);
    parts = [];
    size = 0;
  }
  parts.push(END);
  yield Buffer.concat(parts);
}
