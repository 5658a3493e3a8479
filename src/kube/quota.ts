import { attributesClassNames, claimClass } from './claims.ts';
import { isPodTerminal, qosClass } from './pods.ts';
import { compareQuantity } from './quantity.ts';
import { addLists, maskList, podResourceTotals, wholeQuantity } from './resource-lists.ts';
import { events, persistentVolumeClaims, pods, qualifiedName, type Resource, services } from './resources.ts';
import type {
  KubeObject,
  PersistentVolumeClaim,
  Pod,
  ResourceList,
  ResourceQuota,
  ScopeSelector,
  Service,
} from './types.ts';

// What objects use of a quota: the same for admission, which charges, and for the controller, which counts again.
// Source: Kubernetes 1.36, pkg/quota/v1/evaluator/core and apiserver quota/v1/generic.

type Kind = Pick<Resource, 'group' | 'plural'>;
type ScopeRequirement = NonNullable<ScopeSelector['matchExpressions']>[number];

/** How one kind of object is charged. */
interface Evaluator {
  /** Whether a quota of this resource is about the kind. */
  matches(resource: string): boolean;
  usage(object: KubeObject, nowMs: number): ResourceList;
  inScope(object: KubeObject, scope: ScopeRequirement): boolean;
}

/** The quota resource that counts objects: `count/pods`, `count/deployments.apps`. */
export function objectCountName(resource: Kind): string {
  return `count/${qualifiedName(resource)}`;
}

const CLASS_SUFFIX = '.storageclass.storage.k8s.io/';
const CLAIM_RESOURCES = ['persistentvolumeclaims', 'requests.storage'];

const claimEvaluator: Evaluator = {
  matches: (name) =>
    name === objectCountName(persistentVolumeClaims) ||
    CLAIM_RESOURCES.includes(name) ||
    CLAIM_RESOURCES.some((one) => name.endsWith(`${CLASS_SUFFIX}${one}`)),
  usage(object) {
    const claim = object as PersistentVolumeClaim;
    const used: Record<string, string> = {
      persistentvolumeclaims: '1',
      [objectCountName(persistentVolumeClaims)]: '1',
    };
    const storage = storageOf(claim);
    if (storage !== undefined) used['requests.storage'] = storage;
    const name = claimClass(claim);
    if (name) {
      used[`${name}${CLASS_SUFFIX}persistentvolumeclaims`] = '1';
      if (storage !== undefined) used[`${name}${CLASS_SUFFIX}requests.storage`] = storage;
    }
    return used;
  },
  inScope: (object, scope) =>
    scope.scopeName === 'VolumeAttributesClass' &&
    valuesMatch(scope, attributesClassNames(object as PersistentVolumeClaim)),
};

/** What the claim asks for, or what an expansion that is under way has taken already. */
function storageOf({ spec, status }: PersistentVolumeClaim): string | undefined {
  const asked = spec?.resources?.requests?.storage;
  if (asked === undefined) return undefined;
  const allocated = status?.allocatedResources?.storage;
  return wholeQuantity(allocated !== undefined && compareQuantity(allocated, asked) > 0 ? allocated : asked);
}

const COMPUTE = ['cpu', 'memory', 'ephemeral-storage'];
const POD_RESOURCES = new Set([
  'pods',
  objectCountName(pods),
  ...COMPUTE.flatMap((name) => [name, `requests.${name}`, `limits.${name}`]),
]);
const isHugePages = (name: string) => /^(requests\.)?hugepages-/.test(name);
const isExtended = (name: string) =>
  name.startsWith('requests.') && name.includes('/') && !name.includes('kubernetes.io/');

const podEvaluator: Evaluator = {
  matches: (name) => POD_RESOURCES.has(name) || isHugePages(name) || isExtended(name),
  usage(object, nowMs) {
    const pod = object as Pod;
    const count = { [objectCountName(pods)]: '1' };
    return isCharged(pod, nowMs) ? addLists(count, computeUsage(pod)) : count;
  },
  inScope: (object, scope) => podInScope(object as Pod, scope),
};

/** Neither ended, nor so long overdue to go that its node must be lost. */
function isCharged(pod: Pod, nowMs: number): boolean {
  if (isPodTerminal(pod)) return false;
  const { deletionTimestamp, deletionGracePeriodSeconds } = pod.metadata ?? {};
  if (!deletionTimestamp || deletionGracePeriodSeconds === undefined) return true;
  return nowMs <= Date.parse(deletionTimestamp) + deletionGracePeriodSeconds * 1000;
}

function computeUsage(pod: Pod): ResourceList {
  const used: Record<string, string> = { pods: '1' };
  const limits = podResourceTotals(pod, 'limits');
  for (const [name, quantity] of Object.entries(podResourceTotals(pod, 'requests'))) {
    if (COMPUTE.includes(name) || isHugePages(name)) used[name] = quantity;
    used[`requests.${name}`] = quantity;
  }
  for (const name of COMPUTE) if (limits[name] !== undefined) used[`limits.${name}`] = limits[name];
  return used;
}

function podInScope(pod: Pod, scope: ScopeRequirement): boolean {
  const terminating = (pod.spec?.activeDeadlineSeconds ?? -1) >= 0;
  const bestEffort = qosClass(pod.spec) === 'BestEffort';
  switch (scope.scopeName) {
    case 'Terminating':
      return terminating;
    case 'NotTerminating':
      return !terminating;
    case 'BestEffort':
      return bestEffort;
    case 'NotBestEffort':
      return !bestEffort;
    case 'PriorityClass':
      return valuesMatch(scope, pod.spec?.priorityClassName ? [pod.spec.priorityClassName] : []);
    case 'CrossNamespacePodAffinity':
      return crossesNamespaces(pod);
    default:
      return false;
  }
}

function crossesNamespaces({ spec }: Pod): boolean {
  const terms = [spec?.affinity?.podAffinity, spec?.affinity?.podAntiAffinity].flatMap((one) => [
    ...(one?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
    ...(one?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map((each) => each.podAffinityTerm),
  ]);
  return terms.some((term) => term.namespaces?.length || term.namespaceSelector);
}

/** Whether one of the names satisfies the requirement; without a name only NotIn and DoesNotExist are. */
function valuesMatch({ operator, values = [] }: ScopeRequirement, names: readonly string[]): boolean {
  switch (operator) {
    case 'In':
      return names.some((name) => values.includes(name));
    case 'NotIn':
      return names.length === 0 || names.some((name) => !values.includes(name));
    case 'Exists':
      return names.length > 0;
    default:
      return names.length === 0;
  }
}

const serviceEvaluator: Evaluator = {
  matches: (name) =>
    ['services', 'services.nodeports', 'services.loadbalancers', objectCountName(services)].includes(name),
  usage(object) {
    const { spec } = object as Service;
    const nodePorts = (spec?.ports ?? []).filter((port) => spec?.type === 'NodePort' || port.nodePort).length;
    const balanced = spec?.type === 'LoadBalancer';
    const ports = spec?.type === 'NodePort' || balanced ? nodePorts : 0;
    return {
      services: '1',
      [objectCountName(services)]: '1',
      'services.nodeports': String(ports),
      'services.loadbalancers': balanced ? '1' : '0',
    };
  },
  inScope: () => false,
};

/** Kinds that were counted under their own name before there was count/. */
const OLD_NAMES = new Set(['configmaps', 'resourcequotas', 'replicationcontrollers', 'secrets']);

function countingEvaluator(resource: Kind): Evaluator {
  const names = [objectCountName(resource)];
  if (resource.group === '' && OLD_NAMES.has(resource.plural)) names.push(resource.plural);
  const used = Object.fromEntries(names.map((name) => [name, '1']));
  return { matches: (name) => names.includes(name), usage: () => used, inScope: () => false };
}

/** Quotas are not about events (DefaultIgnoredResources). */
const uncounted: Evaluator = { matches: () => false, usage: () => ({}), inScope: () => false };

const SPECIAL = new Map<string, Evaluator>([
  [qualifiedName(events), uncounted],
  [qualifiedName(persistentVolumeClaims), claimEvaluator],
  [qualifiedName(pods), podEvaluator],
  [qualifiedName(services), serviceEvaluator],
]);

function evaluatorOf(resource: Kind): Evaluator {
  return SPECIAL.get(qualifiedName(resource)) ?? countingEvaluator(resource);
}

/** What an object uses. */
export function quotaUsage(resource: Kind, object: KubeObject, nowMs: number): ResourceList {
  return evaluatorOf(resource).usage(object, nowMs);
}

/** Those of a quota's resources that objects of the kind use. */
export function quotaResourcesOf(resource: Kind, names: readonly string[]): readonly string[] {
  const evaluator = evaluatorOf(resource);
  return names.filter((name) => evaluator.matches(name));
}

/** Whether the object counts for the quota by its scopes. */
export function inQuotaScopes({ spec }: ResourceQuota, resource: Kind, object: KubeObject): boolean {
  const evaluator = evaluatorOf(resource);
  const scopes = [
    ...(spec?.scopes ?? []).map((scopeName) => ({ scopeName, operator: 'Exists' })),
    ...(spec?.scopeSelector?.matchExpressions ?? []),
  ];
  return scopes.every((scope) => evaluator.inScope(object, scope));
}

/** What the objects of a kind use together of these resources. */
export function totalUsage(
  quota: ResourceQuota,
  resource: Kind,
  objects: Iterable<KubeObject>,
  names: readonly string[],
  nowMs: number,
): ResourceList {
  let total: ResourceList = Object.fromEntries(names.map((name) => [name, '0']));
  for (const object of objects) {
    if (!inQuotaScopes(quota, resource, object)) continue;
    total = addLists(total, maskList(quotaUsage(resource, object, nowMs), names));
  }
  return total;
}

const MUST_BE_SAID = ['cpu', 'memory', 'requests.cpu', 'requests.memory', 'limits.cpu', 'limits.memory'];

/**
 * What a quota of cpu or memory wants each container to say, by resource; `undefined` when nothing is missing. Only
 * these: it was a mistake that stays.
 */
export function missingForQuota(pod: Pod, names: readonly string[]): string | undefined {
  if (Object.keys(pod.spec?.resources ?? {}).length > 0) return undefined;
  const missing = new Map<string, string[]>();
  for (const { name, resources } of [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])]) {
    for (const wanted of MUST_BE_SAID) {
      if (!names.includes(wanted)) continue;
      const list = wanted.startsWith('limits.') ? resources?.limits : resources?.requests;
      if (list?.[wanted.replace(/^.*\./, '')] === undefined)
        missing.set(wanted, [...(missing.get(wanted) ?? []), name]);
    }
  }
  if (missing.size === 0) return undefined;
  const parts = [...missing]
    .sort()
    .map(([wanted, all]) => `${wanted} for: ${[...new Set(all)].sort().join(',')}`);
  return `must specify ${parts.join('; ')}`;
}
