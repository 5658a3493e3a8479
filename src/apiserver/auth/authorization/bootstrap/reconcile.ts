import type { ClusterRole, ObjectMeta, PolicyRule, RoleBinding, Subject } from '../../../../kube/index.ts';
import { equal } from '../../../registry/validation/index.ts';
import { uncovered } from '../rbac/covers.ts';

// How a default is brought up to date without undoing what an administrator has added
// (component-helpers/auth/rbac/reconciliation).

const ANN_AUTOUPDATE = 'rbac.authorization.kubernetes.io/autoupdate';

/** An administrator who does not want a default back says so by annotation. */
export function isProtected({ metadata }: { readonly metadata?: ObjectMeta }): boolean {
  return metadata?.annotations?.[ANN_AUTOUPDATE] === 'false';
}

/** The role with what it lacks of the wanted one; itself when it lacks nothing. */
export function reconciledRole<T extends ClusterRole>(present: T, wanted: T): T {
  // What is there is nearly always what is wanted.
  const missing: PolicyRule[] = equal(present.rules, wanted.rules)
    ? []
    : uncovered(present.rules ?? [], wanted.rules ?? []);
  const selectors = wanted.aggregationRule?.clusterRoleSelectors ?? [];
  const lacksSelectors = selectors.filter(
    (selector) => !present.aggregationRule?.clusterRoleSelectors?.some((one) => equal(one, selector)),
  );
  const metadata = mergedMetadata(present.metadata, wanted.metadata);
  if (missing.length === 0 && lacksSelectors.length === 0 && metadata === present.metadata) return present;
  const next: T = { ...present, metadata };
  if (missing.length > 0) Object.assign(next, { rules: [...(present.rules ?? []), ...missing] });
  if (lacksSelectors.length > 0)
    Object.assign(next, {
      aggregationRule: {
        clusterRoleSelectors: [...(present.aggregationRule?.clusterRoleSelectors ?? []), ...lacksSelectors],
      },
    });
  return next;
}

/** The same for the subjects of a binding. A binding to another role must be made anew: the caller looks at that. */
export function reconciledBinding<T extends Pick<RoleBinding, 'metadata' | 'subjects' | 'roleRef'>>(
  present: T,
  wanted: T,
): T {
  const missing = (wanted.subjects ?? []).filter(
    (subject) => !present.subjects?.some((one) => sameSubject(one, subject)),
  );
  const metadata = mergedMetadata(present.metadata, wanted.metadata);
  if (missing.length === 0 && metadata === present.metadata) return present;
  return { ...present, metadata, subjects: [...(present.subjects ?? []), ...missing] };
}

/** What is there wins over what is wanted. */
function mergedMetadata(
  present: ObjectMeta | undefined,
  wanted: ObjectMeta | undefined,
): ObjectMeta | undefined {
  const labels = { ...wanted?.labels, ...present?.labels };
  const annotations = { ...wanted?.annotations, ...present?.annotations };
  const adds = (merged: object, before: object | undefined) =>
    Object.keys(merged).length !== Object.keys(before ?? {}).length;
  if (!adds(labels, present?.labels) && !adds(annotations, present?.annotations)) return present;
  return { ...present, labels, annotations };
}

function sameSubject(a: Subject, b: Subject): boolean {
  return a.kind === b.kind && a.name === b.name && (a.namespace ?? '') === (b.namespace ?? '');
}
