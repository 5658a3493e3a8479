import {
  type Container,
  compareQuantity,
  forbidden,
  type LimitRange,
  type LimitRangeItem,
  limitRanges,
  type PersistentVolumeClaim,
  type Pod,
  persistentVolumeClaims,
  podResourceTotals,
  pods,
  quantityMilliValue,
  type ResourceList,
} from '../../kube/index.ts';
import type { AdmissionPlugin, AdmissionRequest } from './contract.ts';

const ANNOTATION = 'kubernetes.io/limit-ranger';

/** Containers get the defaults of their namespace; containers, pods and claims stay within its bounds. */
export const limitRanger: AdmissionPlugin = {
  name: 'LimitRanger',
  operations: ['CREATE', 'UPDATE'],
  resources: [pods, persistentVolumeClaims],
  mutate(object, request) {
    if (request.operation !== 'CREATE' || request.resource.plural !== pods.plural) return object;
    return rangesOf(request).reduce<Pod>(withDefaults, object as Pod);
  },
  validate(request) {
    const { operation, resource, object, previous, name } = request;
    const isPod = resource.plural === pods.plural;
    if (previous?.metadata.deletionTimestamp || (isPod && operation === 'UPDATE')) return;
    for (const { spec } of rangesOf(request)) {
      const breaches = (spec?.limits ?? []).flatMap((item) =>
        isPod ? podBreaches(object as Pod, item) : claimBreaches(object as PersistentVolumeClaim, item),
      );
      if (breaches.length === 0) continue;
      throw forbidden(resource, name, breaches.length === 1 ? breaches[0]! : `[${breaches.join(', ')}]`);
    }
  },
};

function rangesOf({ reader, namespace }: AdmissionRequest): readonly LimitRange[] {
  return [...reader.list(limitRanges, namespace)];
}

function withDefaults(pod: Pod, { spec }: LimitRange): Pod {
  const items = (spec?.limits ?? []).filter((item) => item.type === 'Container');
  const limits = Object.assign({}, ...items.map((item) => item.default));
  const requests = Object.assign({}, ...items.map((item) => item.defaultRequest));
  const set: string[] = [];
  const fillAll = (list: readonly Container[] | undefined, word: string) =>
    list?.map((container) => {
      const missing = (defaults: ResourceList, kind: 'limits' | 'requests') =>
        Object.keys(defaults)
          .filter((name) => container.resources?.[kind]?.[name] === undefined)
          .sort();
      const [ofRequests, ofLimits] = [missing(requests, 'requests'), missing(limits, 'limits')];
      if (ofRequests.length + ofLimits.length === 0) return container;
      if (ofRequests.length > 0) set.push(`${ofRequests.join(', ')} request for ${word} ${container.name}`);
      if (ofLimits.length > 0) set.push(`${ofLimits.join(', ')} limit for ${word} ${container.name}`);
      const { resources } = container;
      return {
        ...container,
        resources: {
          ...resources,
          ...(ofLimits.length > 0 && { limits: { ...limits, ...resources?.limits } }),
          ...(ofRequests.length > 0 && { requests: { ...requests, ...resources?.requests } }),
        },
      };
    });
  const containers = fillAll(pod.spec?.containers, 'container');
  const initContainers = fillAll(pod.spec?.initContainers, 'init container');
  if (set.length === 0 || !pod.spec) return pod;
  const annotations = {
    ...pod.metadata?.annotations,
    [ANNOTATION]: `LimitRanger plugin set: ${set.join('; ')}`,
  };
  return {
    ...pod,
    metadata: { ...pod.metadata, annotations },
    spec: { ...pod.spec, containers: containers!, ...(initContainers && { initContainers }) },
  };
}

function claimBreaches({ spec }: PersistentVolumeClaim, item: LimitRangeItem): string[] {
  if (item.type !== 'PersistentVolumeClaim') return [];
  const requests = spec?.resources?.requests ?? {};
  return [
    ...each(item.min, (name, least) => belowMinimum(item.type, name, least, requests, {})),
    ...each(item.max, (name, most) => {
      const asked = requests[name];
      const rule = `maximum ${name} usage per ${item.type} is ${most}`;
      if (asked === undefined) return `${rule}.  No request is specified`;
      return compareQuantity(asked, most) > 0 ? `${rule}, but request is ${asked}` : undefined;
    }),
  ];
}

function podBreaches(pod: Pod, item: LimitRangeItem): string[] {
  if (item.type === 'Pod')
    return breaches(item, podResourceTotals(pod, 'requests'), podResourceTotals(pod, 'limits'));
  if (item.type !== 'Container') return [];
  return [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])].flatMap(({ resources }) =>
    breaches(item, resources?.requests ?? {}, resources?.limits ?? {}),
  );
}

function breaches(item: LimitRangeItem, requests: ResourceList, limits: ResourceList): string[] {
  const { type } = item;
  return [
    ...each(item.min, (name, least) => belowMinimum(type, name, least, requests, limits)),
    ...each(item.max, (name, most) => aboveMaximum(type, name, most, requests, limits)),
    ...each(item.maxLimitRequestRatio, (name, most) => aboveRatio(type, name, most, requests, limits)),
  ];
}

function each(
  bounds: ResourceList | undefined,
  check: (name: string, bound: string) => string | undefined,
): string[] {
  return Object.entries(bounds ?? {}).flatMap(([name, bound]) => check(name, bound) ?? []);
}

function belowMinimum(
  type: string,
  name: string,
  least: string,
  requests: ResourceList,
  limits: ResourceList,
): string | undefined {
  const rule = `minimum ${name} usage per ${type} is ${least}`;
  const [request, limit] = [requests[name], limits[name]];
  if (request === undefined) return `${rule}.  No request is specified`;
  if (compareQuantity(request, least) < 0) return `${rule}, but request is ${request}`;
  if (limit !== undefined && compareQuantity(limit, least) < 0) return `${rule}, but limit is ${limit}`;
  return undefined;
}

function aboveMaximum(
  type: string,
  name: string,
  most: string,
  requests: ResourceList,
  limits: ResourceList,
): string | undefined {
  const rule = `maximum ${name} usage per ${type} is ${most}`;
  const [request, limit] = [requests[name], limits[name]];
  if (limit === undefined) return `${rule}.  No limit is specified`;
  if (compareQuantity(limit, most) > 0) return `${rule}, but limit is ${limit}`;
  if (request !== undefined && compareQuantity(request, most) > 0)
    return `${rule}, but request is ${request}`;
  return undefined;
}

function aboveRatio(
  type: string,
  name: string,
  most: string,
  requests: ResourceList,
  limits: ResourceList,
): string | undefined {
  const rule = `${name} max limit to request ratio per ${type} is ${most}`;
  const [request, limit] = [quantityMilliValue(requests[name]), quantityMilliValue(limits[name])];
  if (request === 0n) return `${rule}, but no request is specified or request is 0`;
  if (limit === 0n) return `${rule}, but no limit is specified or limit is 0`;
  const ratio = Number(limit) / Number(request);
  return ratio * 1000 > Number(quantityMilliValue(most))
    ? `${rule}, but provided ratio is ${ratio.toFixed(6)}`
    : undefined;
}
