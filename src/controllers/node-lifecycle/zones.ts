import { LABEL_REGION, LABEL_ZONE, type Node, type NodeCondition } from '../../kube/index.ts';

export type ZoneState = 'Initial' | 'Normal' | 'PartialDisruption' | 'FullDisruption';

const EXCLUDED = 'node.kubernetes.io/exclude-disruption';

/** Region and zone as one key; '' for a node that tells neither. The beta labels go first, as upstream. */
export function zoneOf(node: Node): string {
  const labels = node.metadata?.labels ?? {};
  const zone = labels['failure-domain.beta.kubernetes.io/zone'] ?? labels[LABEL_ZONE] ?? '';
  const region = labels['failure-domain.beta.kubernetes.io/region'] ?? labels[LABEL_REGION] ?? '';
  return region === '' && zone === '' ? '' : `${region}:\0:${zone}`;
}

/** Some nodes do not count when a zone's health is judged. */
export function isExcludedFromDisruption(node: Node): boolean {
  return node.metadata?.labels?.[EXCLUDED] !== undefined;
}

/** No node ready: full disruption; three or more, and `threshold` of all, not ready: partial; else normal. */
export function zoneState(ready: readonly (NodeCondition | undefined)[], threshold: number): ZoneState {
  const unready = ready.filter((condition) => condition?.status !== 'True').length;
  if (unready > 0 && unready === ready.length) return 'FullDisruption';
  if (unready > 2 && unready / ready.length >= threshold) return 'PartialDisruption';
  return 'Normal';
}

/** How fast nodes are tainted NoExecute, in nodes per second. */
export interface EvictionRates {
  readonly normal: number;
  readonly secondary: number;
  /** A zone of more nodes than this goes on at the secondary rate when partially disrupted; a smaller one stops. */
  readonly largeCluster: number;
}

export function evictionRate(
  state: ZoneState,
  size: number,
  { normal, secondary, largeCluster }: EvictionRates,
): number {
  if (state !== 'PartialDisruption') return normal;
  return size > largeCluster ? secondary : 0;
}

export interface DisruptionStep {
  readonly states: ReadonlyMap<string, ZoneState>;
  /** The zones whose rate is to be set, in nodes per second. */
  readonly rates: ReadonlyMap<string, number>;
  /**
   * `enter`: not one node of the cluster is ready any more, so rather we are cut off than all of them: all taints go,
   * nothing is evicted. `leave`: some are back; every node gets a fresh grace period.
   */
  readonly masterDisruption: 'enter' | 'leave' | 'none';
}

/**
 * What the zones' health means for the eviction.
 * @param before the states so far
 * @param now the states by this look, and the number of nodes each counts
 */
export function disruptionStep(
  before: ReadonlyMap<string, ZoneState>,
  now: ReadonlyMap<string, { state: ZoneState; size: number }>,
  rates: EvictionRates,
): DisruptionStep {
  const known = new Map([...now.keys()].map((zone) => [zone, before.get(zone) ?? 'Initial'] as const));
  const allDisrupted = [...now.values()].every(({ state }) => state === 'FullDisruption');
  const allWereDisrupted = [...known.values()].every((state) => state === 'FullDisruption');
  if (allDisrupted) {
    const states = new Map([...known.keys()].map((zone) => [zone, 'FullDisruption'] as const));
    if (allWereDisrupted) return { states, rates: new Map(), masterDisruption: 'none' };
    return {
      states,
      rates: new Map([...states.keys()].map((zone) => [zone, 0])),
      masterDisruption: 'enter',
    };
  }
  const changed = [...now].filter(([zone, { state }]) => allWereDisrupted || known.get(zone) !== state);
  return {
    states: new Map([...now].map(([zone, { state }]) => [zone, state])),
    rates: new Map(changed.map(([zone, { state, size }]) => [zone, evictionRate(state, size, rates)])),
    masterDisruption: allWereDisrupted ? 'leave' : 'none',
  };
}
