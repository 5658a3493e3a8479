import { quantityMilliValue, type StatusCause } from '../../../kube/index.ts';
import { invalidValue, isQualifiedName, notSupported, required, validateWith } from '../validation/index.ts';

// What a pod may be told of itself. Source: Kubernetes 1.36, pkg/apis/core/validation validateObjectFieldSelector,
// validateContainerResourceFieldSelector.

const NAMES = ['metadata.name', 'metadata.namespace', 'metadata.uid'];
/** Fields that a file may show. */
export const FILE_FIELDS = ['metadata.annotations', 'metadata.labels', ...NAMES];
/** Fields that a variable of the environment may show. */
export const ENVIRONMENT_FIELDS = [
  ...NAMES,
  ...['spec.nodeName', 'spec.serviceAccountName', 'status.hostIP', 'status.hostIPs', 'status.podIP'],
  'status.podIPs',
];
/** All that can be named at all, wherever. */
const POD_FIELDS = new Set([
  ...FILE_FIELDS,
  ...ENVIRONMENT_FIELDS,
  ...['spec.restartPolicy', 'spec.schedulerName', 'status.phase', 'spec.host'],
]);

export function fieldRefCauses(
  { apiVersion = 'v1', fieldPath = '' }: { readonly apiVersion?: string; readonly fieldPath?: string },
  allowed: readonly string[],
  path: string,
): StatusCause[] {
  const here = `${path}.fieldPath`;
  if (!fieldPath) return [required(here)];
  const cannot = (why: string) => [invalidValue(here, fieldPath, `error converting fieldPath: ${why}`)];
  if (apiVersion !== 'v1') return cannot(`unsupported pod version: ${apiVersion}`);
  const subscripted = /^(.*)\['(.*)'\]$/.exec(fieldPath);
  const [, field = '', key = ''] = subscripted ?? [];
  if (field === 'metadata.annotations') return validateWith(path, key.toLowerCase(), isQualifiedName);
  if (field === 'metadata.labels') return validateWith(path, key, isQualifiedName);
  if (subscripted) return cannot(`field label does not support subscript: ${fieldPath}`);
  if (!POD_FIELDS.has(fieldPath)) return cannot(`field label not supported: ${fieldPath}`);
  // The name that it had in the first versions.
  const known = fieldPath === 'spec.host' ? 'spec.nodeName' : fieldPath;
  return allowed.includes(known) ? [] : [notSupported(here, known, allowed)];
}

const RESOURCES = [
  ...['limits.cpu', 'limits.ephemeral-storage', 'limits.memory'],
  ...['requests.cpu', 'requests.ephemeral-storage', 'requests.memory'],
];
const HUGE_PAGES = /^(limits|requests)\.hugepages-/;

interface ResourceRef {
  readonly containerName?: string;
  readonly resource?: string;
  readonly divisor?: string;
}

/** `inFile`: a file has to say which container is meant. */
export function resourceFieldRefCauses(ref: ResourceRef, path: string, inFile: boolean): StatusCause[] {
  const { containerName, resource = '', divisor } = ref;
  const causes: StatusCause[] = [];
  if (inFile && !containerName) causes.push(required(`${path}.containerName`));
  else if (!resource) causes.push(required(`${path}.resource`));
  else if (!RESOURCES.includes(resource) && !HUGE_PAGES.test(resource))
    causes.push(notSupported(`${path}.resource`, resource, RESOURCES));
  return [...causes, ...divisorCauses(resource, divisor, `${path}.divisor`)];
}

const SIZES = [...['1', '1k', '1M', '1G', '1T', '1P', '1E'], ...['1Ki', '1Mi', '1Gi', '1Ti', '1Pi', '1Ei']];

/** Upstream shows the resource where the divisor is wrong. */
function divisorCauses(resource: string, divisor: string | undefined, path: string): StatusCause[] {
  if (divisor === undefined || quantityMilliValue(divisor) === 0n) return [];
  const name = resource.replace(/^(limits|requests)\./, '');
  const refuse = (what: string) => [invalidValue(path, resource, `only divisor's values ${what}`)];
  if (RESOURCES.includes(resource) && name === 'cpu')
    return ['1m', '1'].includes(divisor) ? [] : refuse('1m and 1 are supported with the cpu resource');
  const word = HUGE_PAGES.test(resource)
    ? 'hugepages'
    : RESOURCES.includes(resource) && (name === 'memory' ? 'memory' : 'local ephemeral storage');
  if (!word || SIZES.includes(divisor)) return [];
  return refuse(`${SIZES.join(', ')} are supported with the ${word} resource`);
}
