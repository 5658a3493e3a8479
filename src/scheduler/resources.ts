import { type Container, type Pod, parseNano, type ResourceList } from '../kube/index.ts';

/** Amounts in the units that scheduling compares: thousandths of a core, bytes, pieces. */
export interface Resources {
  readonly milliCpu: number;
  readonly memory: number;
  readonly ephemeralStorage: number;
  /** How many pods; only of an allocatable. */
  readonly pods: number;
  /** Extended resources, huge pages, attachable volumes: by name. */
  readonly scalar: ReadonlyMap<string, number>;
}

/** A container that asks for no cpu or memory is scored as if it asked for so much (scheduler/util). */
const DEFAULT_MILLI_CPU = 100;
const DEFAULT_MEMORY_BYTES = 200 * 1024 * 1024;

const NANO = 1_000_000_000n;
const MILLI = 1_000_000n;

type Nanos = Map<string, bigint>;

/** What a pod asks for, once as asked and once with the defaults that scoring uses. */
export interface PodRequests {
  readonly requests: Resources;
  readonly nonZero: { readonly milliCpu: number; readonly memory: number };
}

/**
 * Containers and restartable init containers run side by side and are summed; the other init containers run alone
 * before them, each beside the restartable ones started before it; the larger of both counts. Requests at pod level
 * replace the sum, overhead is added (component-helpers, resource.PodRequests).
 */
export function podRequests(pod: Pod): PodRequests {
  const requests = toResources(aggregate(pod, false));
  const nonZero = toResources(aggregate(pod, true));
  return { requests, nonZero: { milliCpu: nonZero.milliCpu, memory: nonZero.memory } };
}

export function toAllocatable(list: ResourceList | undefined): Resources {
  return toResources(nanos(list));
}

/** Whether the name is one that nodes count in pieces: extended, prefixed native, huge pages, attachable volumes. */
export function isScalarResource(name: string): boolean {
  if (name.startsWith('hugepages-') || name.startsWith('attachable-volumes-')) return true;
  if (!name.includes('/')) return false;
  return name.includes('kubernetes.io/') || !name.startsWith('requests.');
}

function aggregate(pod: Pod, withDefaults: boolean): Nanos {
  const total: Nanos = new Map();
  for (const container of pod.spec?.containers ?? []) add(total, containerRequests(container, withDefaults));
  const sidecars: Nanos = new Map();
  const initial: Nanos = new Map();
  for (const container of pod.spec?.initContainers ?? []) {
    const own = containerRequests(container, withDefaults);
    if (container.restartPolicy === 'Always') {
      add(total, own);
      add(sidecars, own);
      raise(initial, sidecars);
    } else {
      add(own, sidecars);
      raise(initial, own);
    }
  }
  raise(total, initial);
  for (const [name, amount] of nanos(pod.spec?.resources?.requests)) {
    if (name === 'cpu' || name === 'memory' || name.startsWith('hugepages-')) total.set(name, amount);
  }
  add(total, nanos(pod.spec?.overhead));
  return total;
}

function containerRequests(container: Container, withDefaults: boolean): Nanos {
  const own = nanos(container.resources?.requests);
  if (withDefaults) {
    if (!own.has('cpu')) own.set('cpu', BigInt(DEFAULT_MILLI_CPU) * MILLI);
    if (!own.has('memory')) own.set('memory', BigInt(DEFAULT_MEMORY_BYTES) * NANO);
  }
  return own;
}

function nanos(list: ResourceList | undefined): Nanos {
  const result: Nanos = new Map();
  for (const name in list) result.set(name, parseNano(list[name]!) ?? 0n);
  return result;
}

function add(to: Nanos, from: Nanos): void {
  for (const [name, amount] of from) to.set(name, (to.get(name) ?? 0n) + amount);
}

function raise(to: Nanos, from: Nanos): void {
  for (const [name, amount] of from) if (amount > (to.get(name) ?? -1n)) to.set(name, amount);
}

function toResources(amounts: Nanos): Resources {
  const scalar = new Map<string, number>();
  for (const [name, amount] of amounts) {
    if (isScalarResource(name)) scalar.set(name, roundUp(amount, NANO));
  }
  return {
    milliCpu: roundUp(amounts.get('cpu') ?? 0n, MILLI),
    memory: roundUp(amounts.get('memory') ?? 0n, NANO),
    ephemeralStorage: roundUp(amounts.get('ephemeral-storage') ?? 0n, NANO),
    pods: roundUp(amounts.get('pods') ?? 0n, NANO),
    scalar,
  };
}

function roundUp(amount: bigint, unit: bigint): number {
  return Number((amount + unit - 1n) / unit);
}
