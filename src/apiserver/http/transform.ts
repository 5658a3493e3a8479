import { badRequest, statusFailure } from '../../kube/index.ts';
import type { Entry, EntryList, ResourceDefinition } from '../registry/contract.ts';
import type { ResourceExchange } from './exchange.ts';
import { listMetadata } from './list-text.ts';
import { checkRoute, negotiateOutput, type OutputType } from './media-type.ts';
import { partialMetadata } from './partial-metadata.ts';
import {
  entryProtobuf,
  hasProtobuf,
  partialListProtobuf,
  partialProtobuf,
  protobufOf,
  type TypeMeta,
} from './protobuf/index.ts';
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

/** How the response to a request for a resource is to be written. @throws StatusError 406 */
export function outputOf(
  { request, definition, target }: ResourceExchange,
  allowTransform: boolean,
): OutputType {
  if (!definition.custom)
    checkRoute(request.headers.accept, target.verb === 'list' || target.verb === 'watch');
  return negotiateOutput(request.headers.accept, allowTransform, hasProtobuf(definition));
}

/** The same for the object that a write answers with: what it cannot become is refused before anything is written. */
export function writtenOutputOf(exchange: ResourceExchange): OutputType {
  const output = outputOf(exchange, true);
  if (output.transform === 'PartialObjectMetadataList')
    throw unfit('PartialObjectMetadataList', 'not a list', exchange.definition.kind);
  includeObjectOf(exchange.query, output);
  return output;
}

/** An object that is not stored, e.g. a Status, in the client's format. */
export function valueText(value: object, { format }: OutputType): Buffer | string {
  return format === 'protobuf' ? protobufOf(value as TypeMeta) : JSON.stringify(value);
}

/** The JSON or protobuf of one object in the form that the client asked for. */
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
      return output.format === 'protobuf' ? entryProtobuf(entry) : entry.json();
    case 'Table':
      return tableText(
        definition,
        [entry],
        { resourceVersion: entry.object.metadata.resourceVersion },
        { includeObject, version, nowMs },
      );
    case 'PartialObjectMetadata':
      if (output.format === 'protobuf') return partialProtobuf(entry, version);
      return JSON.stringify(partialMetadata(entry.object, version));
    case 'PartialObjectMetadataList':
      throw unfit('PartialObjectMetadataList', 'not a list', definition.kind);
  }
}

/** A list as a Table or as metadata alone. */
export function listText(
  definition: ResourceDefinition,
  list: EntryList,
  output: OutputType,
  includeObject: IncludeObject,
  nowMs: number,
): Buffer | string {
  const version = output.transformVersion ?? 'v1';
  const metadata = listMetadata(list);
  if (output.transform === 'Table')
    return tableText(definition, list.entries, metadata, { includeObject, version, nowMs });
  if (output.transform === 'PartialObjectMetadata')
    throw unfit('PartialObjectMetadata', 'a list', `${definition.kind}List`);
  if (output.format === 'protobuf') return partialListProtobuf(list, metadata, version);
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
