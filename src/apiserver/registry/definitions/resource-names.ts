import { compareQuantity, quantityMilliValue, type StatusCause } from '../../../kube/index.ts';
import { invalidValue, isQualifiedName, validateWith } from '../validation/index.ts';

// Names of resources (cpu, storage, …) and their quantities. Source: Kubernetes 1.36, pkg/apis/core/helper.

const COMPUTE = ['cpu', 'memory', 'ephemeral-storage'];
/** Counts of objects. */
const COUNTS = [
  ...['pods', 'resourcequotas', 'services', 'replicationcontrollers', 'secrets', 'configmaps'],
  ...['persistentvolumeclaims', 'services.nodeports', 'services.loadbalancers'],
];
const QUOTA = new Set([
  ...COMPUTE,
  ...COUNTS,
  ...COMPUTE.flatMap((name) => [`requests.${name}`, `limits.${name}`]),
  'requests.storage',
]);
const STANDARD = new Set([...QUOTA, 'storage']);

export const isHugePage = (name: string) => name.startsWith('hugepages-');
const isQuotaHugePage = (name: string) => isHugePage(name) || name.startsWith('requests.hugepages-');

/** Of Kubernetes itself: without a domain, or with its own. */
const isNative = (name: string) => !name.includes('/') || name.includes('kubernetes.io/');

export const isQuotaResource = (name: string): boolean => QUOTA.has(name) || isQuotaHugePage(name);

/** What a node may promise more of than it has. */
export const isOvercommitAllowed = (name: string): boolean => isNative(name) && !isHugePage(name);

/** A well-formed name; those without a domain are known (validateResourceName). */
export function resourceNameCauses(path: string, name: string): StatusCause[] {
  const causes = validateWith(path, name, isQualifiedName);
  if (causes.length > 0 || name.includes('/') || STANDARD.has(name) || isQuotaHugePage(name)) return causes;
  return [invalidValue(path, name, 'must be a standard resource type or fully qualified')];
}

/** What a container may ask for (validateContainerResourceName). */
export function containerResourceNameCauses(path: string, name: string): StatusCause[] {
  const causes = resourceNameCauses(path, name);
  if (!name.includes('/')) {
    if (!COMPUTE.includes(name) && !isHugePage(name))
      causes.push(invalidValue(path, name, 'must be a standard resource for containers'));
  } else if (!isNative(name)) {
    const extended = !name.startsWith('requests.') && isQualifiedName(`requests.${name}`).length === 0;
    if (!extended) causes.push(invalidValue(path, name, "doesn't follow extended resource name standard"));
  }
  return causes;
}

/** What a quota may be of (ValidateResourceQuotaResourceName). */
export function quotaResourceNameCauses(path: string, name: string): StatusCause[] {
  const causes = resourceNameCauses(path, name);
  if (!name.includes('/') && !isQuotaResource(name))
    causes.push(invalidValue(path, name, 'must be a standard resource for quota'));
  return causes;
}

/** Not negative, and whole where objects or devices are counted (ValidateResourceQuantityValue). */
export function resourceQuantityCauses(path: string, name: string, quantity: string): StatusCause[] {
  const causes: StatusCause[] = [];
  if (compareQuantity(quantity, '0') < 0)
    causes.push(invalidValue(path, quantity, 'must be greater than or equal to 0'));
  const counted = COUNTS.includes(name) || (!isNative(name) && !name.startsWith('requests.'));
  if (counted && quantityMilliValue(quantity) % 1000n !== 0n)
    causes.push(invalidValue(path, quantity, 'must be an integer'));
  return causes;
}
