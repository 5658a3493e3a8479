import type { Column } from '../registry/contract.ts';
import { NAME_DESCRIPTION } from '../registry/definitions/columns.ts';
import { ago } from '../registry/definitions/duration.ts';
import { compilePath } from './json-path.ts';
import type { PrinterColumn } from './types.ts';

const AGE: PrinterColumn = {
  name: 'Age',
  type: 'date',
  jsonPath: '.metadata.creationTimestamp',
  description: 'When the server created this object.',
};

/** The columns of a version: the name, then its own, or the age when it has none. */
export function columnsOf(own: readonly PrinterColumn[] | undefined): readonly Column[] {
  const name: Column = {
    name: 'Name',
    type: 'string',
    format: 'name',
    description: NAME_DESCRIPTION,
    priority: 0,
    cell: (object) => object.metadata.name,
  };
  return [name, ...(own && own.length > 0 ? own : [AGE]).map(columnOf)];
}

function columnOf({ name, type, format, description, priority, jsonPath }: PrinterColumn): Column {
  const read = compilePath(jsonPath);
  return {
    name,
    type: type as Column['type'],
    format,
    description: description || `Custom resource definition column (in JSONPath format): ${jsonPath}`,
    priority: (priority ?? 0) as Column['priority'],
    cell: (object, nowMs) => cellOf(type, read?.(object), nowMs),
  };
}

function cellOf(type: string, value: unknown, nowMs: number): string | number | boolean | null {
  if (value === undefined) return null;
  switch (type) {
    case 'string':
      if (value === null) return '<nil>';
      return typeof value === 'object' ? JSON.stringify(value) : String(value);
    case 'integer':
      return typeof value === 'number' ? Math.trunc(value) : null;
    case 'number':
      return typeof value === 'number' ? value : null;
    case 'boolean':
      return typeof value === 'boolean' ? value : null;
    case 'date':
      if (typeof value !== 'string') return null;
      return Number.isNaN(Date.parse(value)) ? '<invalid>' : ago(value, nowMs);
    default:
      return null;
  }
}
