import type { KubeObject, Stored } from '../../../kube/index.ts';
import type { Column } from '../contract.ts';
import { ago } from './duration.ts';

type Cell<T extends KubeObject> = Column<T>['cell'];
type Describe = { readonly type?: Column['type']; readonly format?: string; readonly description?: string };

/** A column that is always shown. */
export function column<T extends KubeObject>(name: string, cell: Cell<T>, options: Describe = {}): Column<T> {
  return {
    name,
    type: options.type ?? 'string',
    format: options.format,
    description: options.description ?? '',
    priority: 0,
    cell,
  };
}

/** A column that only -o wide shows. */
export function wideColumn<T extends KubeObject>(
  name: string,
  cell: Cell<T>,
  options: Describe = {},
): Column<T> {
  return { ...column(name, cell, options), priority: 1 };
}

export const NAME_DESCRIPTION =
  'Name must be unique within a namespace. Is required when creating resources.';

export function nameColumn<T extends KubeObject>(
  cell: Cell<T> = (object) => object.metadata.name,
): Column<T> {
  return column('Name', cell, { format: 'name', description: NAME_DESCRIPTION });
}

export function ageColumn<T extends KubeObject>(): Column<T> {
  return column<T>('Age', (object: Stored<T>, nowMs) => ago(object.metadata.creationTimestamp, nowMs), {
    description: 'When the server created this object.',
  });
}

/** The second column of the kinds that upstream has no printer for. */
export function createdAtColumn<T extends KubeObject>(): Column<T> {
  return column<T>('Created At', (object) => object.metadata.creationTimestamp, {
    type: 'date',
    description: 'When the server created this object.',
  });
}
