import {
  type Container,
  type Pod,
  parseNano,
  quantityMilliValue,
  quantityValue,
  type Stored,
} from '../../kube/index.ts';

const SUBSCRIPT = /^metadata\.(labels|annotations)\['(.+)'\]$/;

/** What a pod's fields are on this node. */
export interface PodPlace {
  readonly nodeName: string;
  readonly hostIp: string;
  readonly podIp: string;
  /** The node's, for containers without limits of their own. */
  readonly allocatable: Readonly<Record<string, string>>;
}

/** The value of a fieldRef. @throws Error on a path that cannot be referred to. */
export function fieldValue(path: string, pod: Stored<Pod>, place: PodPlace): string {
  const subscript = SUBSCRIPT.exec(path);
  if (subscript) return pod.metadata[subscript[1] as 'labels' | 'annotations']?.[subscript[2]!] ?? '';
  switch (path) {
    case 'metadata.name':
      return pod.metadata.name;
    case 'metadata.namespace':
      return pod.metadata.namespace ?? '';
    case 'metadata.uid':
      return pod.metadata.uid;
    case 'metadata.labels':
      return formatMap(pod.metadata.labels);
    case 'metadata.annotations':
      return formatMap(pod.metadata.annotations);
    case 'spec.nodeName':
      return place.nodeName;
    case 'spec.serviceAccountName':
      return pod.spec?.serviceAccountName ?? '';
    case 'status.hostIP':
    case 'status.hostIPs':
      return place.hostIp;
    case 'status.podIP':
    case 'status.podIPs':
      return place.podIp;
    default:
      throw new Error(`unsupported fieldPath: ${path}`);
  }
}

/** KEY="value" lines, sorted (fieldpath.FormatMap). */
function formatMap(map: Readonly<Record<string, string>> | undefined): string {
  return Object.entries(map ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .join('\n');
}

/**
 * The value of a resourceFieldRef, rounded up to its divisor. A limit that is not set is the node's allocatable.
 * @throws Error on a name that cannot be referred to.
 */
export function resourceValue(
  resource: string,
  divisor: string | undefined,
  container: Container,
  place: PodPlace,
): string {
  const match = /^(limits|requests)\.(cpu|memory|ephemeral-storage)$/.exec(resource);
  if (!match) throw new Error(`unsupported container resource : ${resource}`);
  const [, list, name] = match as unknown as [string, 'limits' | 'requests', string];
  const { limits, requests } = container.resources ?? {};
  const limit = limits?.[name] ?? place.allocatable[name];
  const quantity = list === 'limits' ? limit : (requests?.[name] ?? limits?.[name] ?? '0');
  const unit = divisor === undefined || parseNano(divisor) === 0n ? '1' : divisor;
  const [value, by] =
    name === 'cpu'
      ? [quantityMilliValue(quantity), quantityMilliValue(unit)]
      : [quantityValue(quantity), quantityValue(unit)];
  return String(by === 0n ? 0n : (value + by - 1n) / by);
}
