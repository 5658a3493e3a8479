import type { KubeObject, Stored } from '../../kube/index.ts';
import type { Column, Entry, ResourceDefinition } from '../registry/contract.ts';
import { partialMetadata } from './partial-metadata.ts';

/** What a row carries of its object: its metadata (the default), all, or nothing. */
export type IncludeObject = 'Metadata' | 'Object' | 'None';

export interface TableOptions {
  readonly includeObject: IncludeObject;
  /** v1 or v1beta1 of meta.k8s.io. */
  readonly version: string;
  /** Wall time in milliseconds, for ages. */
  readonly nowMs: number;
  /** Whether to leave out the column definitions: a watch sends them once. */
  readonly noHeaders?: boolean;
}

/** The columns of a resource that has none of its own (DefaultTableConvertor). */
const DEFAULT_COLUMNS: readonly Column[] = [
  {
    name: 'Name',
    type: 'string',
    format: 'name',
    description: 'The name of the object, unique within its namespace.',
    priority: 0,
    cell: (object) => object.metadata.name,
  },
  {
    name: 'Created At',
    type: 'date',
    description: 'When the server made the object, in RFC 3339 and UTC.',
    priority: 0,
    cell: (object) => object.metadata.creationTimestamp,
  },
];

/** A metav1.Table with a row for each entry, as JSON text. */
export function tableText(
  definition: Pick<ResourceDefinition, 'columns'>,
  entries: readonly Entry[],
  metadata: object,
  options: TableOptions,
): string {
  const columns = definition.columns.length > 0 ? definition.columns : DEFAULT_COLUMNS;
  const headers = options.noHeaders
    ? null
    : columns.map(({ name, type, format, description, priority }) => ({
        name,
        type,
        format: format ?? (name === 'Name' ? 'name' : ''),
        description,
        priority,
      }));
  const head = {
    kind: 'Table',
    apiVersion: `meta.k8s.io/${options.version}`,
    metadata,
    columnDefinitions: headers,
  };
  const rows = entries.map((entry) => rowText(columns, entry, options));
  return `${JSON.stringify(head).slice(0, -1)},"rows":[${rows.join(',')}]}`;
}

function rowText(columns: readonly Column[], entry: Entry, options: TableOptions): string {
  const cells = JSON.stringify(columns.map((column) => cell(column, entry.object, options.nowMs)));
  return `{"cells":${cells},"object":${includedText(entry, options)}}`;
}

/** A bookmark is an object without content: a column that cannot read it stays empty. */
function cell(column: Column, object: Stored<KubeObject>, nowMs: number) {
  try {
    return column.cell(object, nowMs);
  } catch {
    return '<unknown>';
  }
}

function includedText(entry: Entry, options: TableOptions): string {
  switch (options.includeObject) {
    case 'Object':
      return entry.json().toString('utf8');
    case 'None':
      return 'null';
    case 'Metadata':
      return JSON.stringify(partialMetadata(entry.object, options.version));
  }
}
