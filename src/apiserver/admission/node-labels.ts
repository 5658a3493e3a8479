type Labels = Readonly<Record<string, string>> | undefined;

/** Labels of the system that a node sets on itself (kubelet/pkg/apis/well_known_labels.go). */
const KUBELET_LABELS: ReadonlySet<string> = new Set([
  'kubernetes.io/hostname',
  'topology.kubernetes.io/zone',
  'topology.kubernetes.io/region',
  'failure-domain.beta.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region',
  'beta.kubernetes.io/instance-type',
  'node.kubernetes.io/instance-type',
  'kubernetes.io/os',
  'kubernetes.io/arch',
  'beta.kubernetes.io/os',
  'beta.kubernetes.io/arch',
]);
const KUBELET_DOMAINS = ['kubelet.kubernetes.io', 'node.kubernetes.io'];
const SYSTEM_DOMAINS = ['kubernetes.io', 'k8s.io'];
/** Administrators mark nodes with these to keep pods off nodes that somebody has taken over. */
const RESTRICTED_DOMAIN = 'node-restriction.kubernetes.io';

/** The labels that differ and that a node may not change, in order. */
export function forbiddenNodeLabels(next: Labels, previous: Labels): readonly string[] {
  const keys = new Set([...Object.keys(next ?? {}), ...Object.keys(previous ?? {})]);
  return [...keys].filter((key) => next?.[key] !== previous?.[key] && isForbidden(key)).sort();
}

function isForbidden(key: string): boolean {
  const slash = key.indexOf('/');
  const domain = slash < 0 ? '' : key.slice(0, slash);
  if (isWithin(domain, RESTRICTED_DOMAIN)) return true;
  if (!SYSTEM_DOMAINS.some((system) => isWithin(domain, system))) return false;
  return !KUBELET_LABELS.has(key) && !KUBELET_DOMAINS.some((kubelet) => isWithin(domain, kubelet));
}

function isWithin(domain: string, parent: string): boolean {
  return domain === parent || domain.endsWith(`.${parent}`);
}
