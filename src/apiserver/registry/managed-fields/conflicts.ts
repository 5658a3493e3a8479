import { statusFailure } from '../../../kube/index.ts';
import { difference, type FieldSet, isEmpty, paths } from './field-set.ts';
import type { ManagedFieldsEntry } from './managers.ts';
import { formatPath } from './path-element.ts';

/** Fields that an apply would change, by the managers that own them (managerId). */
export type Conflicts = ReadonlyMap<
  string,
  { readonly entry: ManagedFieldsEntry; readonly fields: FieldSet }
>;

export function withoutConflicts(conflicts: Conflicts, allowed: FieldSet): Conflicts {
  const left = [...conflicts].map(
    ([id, { entry, fields }]) => [id, { entry, fields: difference(fields, allowed) }] as const,
  );
  return new Map(left.filter(([, { fields }]) => !isEmpty(fields)));
}

/** The 409 that names managers and fields, in upstream's words. */
export function applyConflict(conflicts: Conflicts): Error {
  const found = [...conflicts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { entry, fields }]) => ({
      manager: describe(entry),
      paths: [...paths(fields)].map((path) => formatPath(path)),
    }));
  const causes = found.flatMap(({ manager, paths }) =>
    paths.map((field) => ({ reason: 'FieldManagerConflict', message: `conflict with ${manager}`, field })),
  );
  const detail =
    causes.length === 1
      ? `1 conflict: ${causes[0]!.message}: ${causes[0]!.field}`
      : `${causes.length} conflicts: ${found
          .map(({ manager, paths }) =>
            [`conflicts with ${manager}:`, ...paths.map((path) => `- ${path}`)].join('\n'),
          )
          .join('\n')}`;
  return statusFailure(409, 'Conflict', `Apply failed with ${detail}`, { causes });
}

function describe({ manager, subresource, operation, apiVersion }: ManagedFieldsEntry): string {
  const name = `${JSON.stringify(manager ?? '')}${subresource ? ` with subresource ${JSON.stringify(subresource)}` : ''}`;
  return operation === 'Update' ? `${name} using ${apiVersion}` : name;
}
