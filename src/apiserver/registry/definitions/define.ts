import type { KubeObject, Resource } from '../../../kube/index.ts';
import type { Column, ResourceDefinition, Strategy } from '../contract.ts';
import { ageColumn, nameColumn } from './columns.ts';

/** Of a kind whose objects nobody but the server makes. */
export const READ_VERBS: readonly string[] = ['get', 'list', 'watch'];

export const ALL_VERBS: readonly string[] = [
  'create',
  'delete',
  'deletecollection',
  'get',
  'list',
  'patch',
  'update',
  'watch',
];

/** A row of the table; what a kind does not say is the common case. */
export function defineResource<T extends KubeObject>(
  resource: Resource<T>,
  options: {
    /** @default ALL_VERBS */
    readonly verbs?: readonly string[];
    readonly subresources?: readonly string[];
    readonly columns?: readonly Column<T>[];
    readonly selectableFields?: ResourceDefinition<T>['selectableFields'];
    readonly unknownField?: ResourceDefinition['unknownField'];
    readonly indexedFields?: readonly string[];
    readonly strategy?: Strategy<T>;
    readonly actions?: ResourceDefinition<T>['actions'];
    readonly updatable?: ResourceDefinition<T>['updatable'];
    readonly scale?: ResourceDefinition<T>['scale'];
    readonly view?: ResourceDefinition<T>['view'];
    readonly deprecation?: string;
  } = {},
): ResourceDefinition {
  const definition: ResourceDefinition<T> = {
    ...resource,
    verbs: options.verbs ?? ALL_VERBS,
    subresources: options.subresources ?? [],
    columns: options.columns ?? [nameColumn(), ageColumn()],
    selectableFields: options.selectableFields ?? {},
    unknownField: options.unknownField,
    indexedFields: options.indexedFields,
    strategy: options.strategy ?? {},
    actions: options.actions,
    updatable: options.updatable,
    scale: options.scale,
    view: options.view,
    deprecation: options.deprecation,
  };
  // The table holds rows of every kind; each row is only ever given objects of its own.
  return definition as unknown as ResourceDefinition;
}
