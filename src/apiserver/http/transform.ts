import { badRequest, statusFailure } from '../../kube/index.ts';
import type { Entry, EntryList, ResourceDefinition } from '../registry/contract.ts';
import { listMetadata } from './list-text.ts';
import type { OutputType } from './media-type.ts';
import { partialMetadata } from './partial-metadata.ts';
import { type IncludeObject, tableText } from './table.ts';

/** The includeObject parameter of a Table request. */
export function includeObjectOf(query: URLSearchParams, output: OutputType): IncludeObject {
  const value = query.get('includeObject') || 'Metadata';
  if (value === 'Metadata' || value === 'Object' || value === 'None') return value;
  if (output.transform !== 'Table') return 'Metadata';
  throw badRequest(
    `Unable to convert to Table as requested: includeObject: Invalid value: ${JSON.stringify(value)}: must be 'Metadata', 'Object', 'None', or empty`,
  );
}

/** The JSON of one object in the form that the client asked for. */
export function objectText(
  definition: ResourceDefinition,
  entry: Entry,
  output: OutputType,
  includeObject: IncludeObject,
  nowMs: number,
): Buffer | string {
  const version = output.transformVersion ?? 'v1';
  switch (output.transform) {
    case undefined:
      return entry.json();
    case 'Table':
      return tableText(
        definition,
        [entry],
        { resourceVersion: entry.object.metadata.resourceVersion },
        { includeObject, version, nowMs },
      );
    case 'PartialObjectMetadata':
      return JSON.stringify(partialMetadata(entry.object, version));
    case 'PartialObjectMetadataList':
      throw unfit('PartialObjectMetadataList', 'not a list', definition.kind);
  }
}

/** The JSON of a list as a Table or as metadata alone. */
export function listText(
  definition: ResourceDefinition,
  list: EntryList,
  output: OutputType,
  includeObject: IncludeObject,
  nowMs: number,
): string {
  const version = output.transformVersion ?? 'v1';
  const metadata = listMetadata(list);
  if (output.transform === 'Table')
    return tableText(definition, list.entries, metadata, { includeObject, version, nowMs });
  if (output.transform === 'PartialObjectMetadata')
    throw unfit('PartialObjectMetadata', 'a list', `${definition.kind}List`);
  return JSON.stringify({
    kind: 'PartialObjectMetadataList',
    apiVersion: `meta.k8s.io/${version}`,
    metadata,
    items: list.entries.map((entry) => partialMetadata(entry.object, version)),
  });
}

function unfit(asked: string, is: string, kind: string) {
  return statusFailure(
    406,
    'NotAcceptable',
    `you requested ${asked}, but the requested object is ${is} (${kind})`,
  );
}
