import {
  type ClusterRole,
  fromLabelSelector,
  matchesSelector,
  type PolicyRule,
  type Stored,
} from '../../kube/index.ts';

/**
 * The rules of an aggregated role: those of the roles that each of its selectors finds, in the order of their names, each
 * rule once. Source: clusterroleaggregation.
 */
export function aggregatedRules(
  role: Stored<ClusterRole>,
  all: Iterable<Stored<ClusterRole>>,
): readonly PolicyRule[] {
  const others = [...all]
    .filter(({ metadata }) => metadata.name !== role.metadata.name)
    .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  const found = new Map<string, PolicyRule>();
  for (const selector of role.aggregationRule?.clusterRoleSelectors ?? []) {
    const wanted = fromLabelSelector(selector);
    for (const { metadata, rules } of others) {
      if (!matchesSelector(wanted, metadata.labels)) continue;
      for (const rule of rules ?? []) {
        const key = keyOf(rule);
        if (!found.has(key)) found.set(key, rule);
      }
    }
  }
  return [...found.values()];
}

export function sameRules(a: readonly PolicyRule[], b: readonly PolicyRule[]): boolean {
  return a.length === b.length && a.every((rule, index) => keyOf(rule) === keyOf(b[index]!));
}

/** Rules are compared field by field, whatever the order in which they were written. */
function keyOf({ verbs, apiGroups, resources, resourceNames, nonResourceURLs }: PolicyRule): string {
  return JSON.stringify([
    verbs,
    apiGroups ?? [],
    resources ?? [],
    resourceNames ?? [],
    nonResourceURLs ?? [],
  ]);
}
