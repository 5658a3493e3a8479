import {
  type Container,
  compareQuantity,
  type PodSpec,
  podResourceTotals,
  type ResourceList,
  type StatusCause,
} from '../../../kube/index.ts';
import {
  at,
  duplicate,
  forbiddenField,
  invalidValue,
  isDNS1123Label,
  notFoundValue,
  notSupported,
  required,
  validateWith,
} from '../validation/index.ts';
import {
  containerResourceNameCauses,
  isHugePage,
  isOvercommitAllowed,
  resourceNameCauses,
  resourceQuantityCauses,
} from './resource-names.ts';

// What a container asks of its node. Source: Kubernetes 1.36, pkg/apis/core/validation.

/** Rules: validateResourceRequirements. */
export function resourceCauses(
  resources: Container['resources'],
  claimsOfPod: readonly string[],
  path: string,
  nameCauses = containerResourceNameCauses,
): StatusCause[] {
  const { limits = {}, requests = {}, claims = [] } = resources ?? {};
  const causes: StatusCause[] = [];
  for (const [list, amounts] of [
    ['limits', limits],
    ['requests', requests],
  ] as const) {
    for (const [name, quantity] of Object.entries(amounts)) {
      const here = at(`${path}.${list}`, name);
      causes.push(...nameCauses(here, name));
      causes.push(...resourceQuantityCauses(here, name, quantity));
      if (list === 'requests') causes.push(...requestCauses(name, quantity, limits[name], path));
    }
  }
  const names = Object.keys({ ...limits, ...requests });
  if (names.some(isHugePage) && !names.includes('cpu') && !names.includes('memory'))
    causes.push(forbiddenField(path, 'HugePages require cpu or memory'));
  return [...causes, ...claimCauses(claims, claimsOfPod, `${path}.claims`)];
}

type ResourceClaim = NonNullable<NonNullable<Container['resources']>['claims']>[number];

/** A claim whole, or requests of it, each once; and it has to be one of the pod's (validateResourceClaimNames). */
function claimCauses(
  claims: readonly ResourceClaim[],
  known: readonly string[],
  path: string,
): StatusCause[] {
  const seen = new Set<string>();
  return claims.flatMap(({ name = '', request }, index) => {
    const here = at(path, index);
    if (!name) return [required(here)];
    const causes: StatusCause[] = [];
    if (seen.has(name)) causes.push(duplicate(here, name));
    else {
      if (request) causes.push(...validateWith(`${here}.request`, request, isDNS1123Label));
      const key = request ? `${name}/${request}` : name;
      if (seen.has(key)) causes.push(duplicate(here, key));
      else if (!request)
        for (const other of seen) if (other.startsWith(`${name}/`)) causes.push(duplicate(here, name));
      seen.add(key);
    }
    if (!known.includes(name)) {
      const which = known.length === 0 ? ' which is empty' : `: ${[...known].sort().join(', ')}`;
      const { message, ...cause } = notFoundValue(here, name);
      const text = `${message}: must be one of the names in pod.spec.resourceClaims${which}`;
      causes.push({ ...cause, message: text });
    }
    return causes;
  });
}

function requestCauses(
  name: string,
  quantity: string,
  limit: string | undefined,
  path: string,
): StatusCause[] {
  if (limit === undefined) {
    if (isOvercommitAllowed(name)) return [];
    return [required(`${path}.limits`, 'Limit must be set for non overcommitable resources')];
  }
  const order = compareQuantity(quantity, limit);
  if (order !== 0 && !isOvercommitAllowed(name))
    return [invalidValue(`${path}.requests`, quantity, `must be equal to ${name} limit of ${limit}`)];
  if (order <= 0) return [];
  const why = `must be less than or equal to ${name} limit of ${limit}`;
  return [invalidValue(`${path}.requests`, quantity, why)];
}

/** What a pod asks for as a whole (validatePodResources). */
export function podResourceCauses(spec: PodSpec, path: string): StatusCause[] {
  // Without containers it is refused elsewhere, with all else that is wrong with it.
  const { resources, containers = [] } = spec;
  if (!resources) return [];
  const { limits = {}, requests = {} } = resources;
  const causes = resources.claims
    ? [forbiddenField(`${path}.claims`, 'claims may not be set for Resources at pod-level')]
    : [];
  causes.push(...resourceCauses(resources, [], path, podResourceNameCauses));
  const compare = (list: 'limits' | 'requests', ofPod: ResourceList, counts: (name: string) => boolean) => {
    for (const [name, sum] of Object.entries(
      podResourceTotals({ spec: { ...spec, resources: undefined } }, list),
    )) {
      const whole = ofPod[name];
      if (whole === undefined || !counts(name) || compareQuantity(sum, whole) <= 0) continue;
      const why = `must be greater than or equal to aggregate container ${list} of ${sum}`;
      causes.push(invalidValue(at(`${path}.${list}`, name), whole, why));
    }
  };
  compare('requests', requests, () => true);
  compare('limits', limits, isHugePage);
  for (const [index, container] of containers.entries()) {
    for (const [name, limit] of Object.entries(container.resources?.limits ?? {})) {
      const whole = limits[name];
      if (whole === undefined || compareQuantity(limit, whole) <= 0) continue;
      const here = `${at(at(`${path}.containers`, index), name)}.limits`;
      causes.push(invalidValue(here, limit, `must be less than or equal to pod limits of ${whole}`));
    }
  }
  return causes;
}

const POD_RESOURCES = ['cpu', 'hugepages-', 'memory'];

function podResourceNameCauses(path: string, name: string): StatusCause[] {
  const causes = resourceNameCauses(path, name);
  if (causes.length > 0 || isHugePage(name)) return causes;
  return POD_RESOURCES.includes(name) ? [] : [notSupported(path, name, POD_RESOURCES)];
}
