import { LABEL_REGION, LABEL_ZONE, type Node } from '../kube/index.ts';

const LEGACY_ZONE = 'failure-domain.beta.kubernetes.io/zone';
const LEGACY_REGION = 'failure-domain.beta.kubernetes.io/region';

/** The zone of a node for spreading: region and zone together; empty when it has neither label. */
export function zoneKeyOf(node: Node): string {
  const labels = node.metadata?.labels ?? {};
  const region = labels[LABEL_REGION] ?? labels[LEGACY_REGION] ?? '';
  const zone = labels[LABEL_ZONE] ?? labels[LEGACY_ZONE] ?? '';
  return region === '' && zone === '' ? '' : `${region}:\u0000:${zone}`;
}

/**
 * One of each zone in turn, until all are used up: a search that stops early has then looked at every zone
 * (scheduler cache, nodeTree).
 */
export function interleaveZones<T>(items: Iterable<T>, zoneOf: (item: T) => string): T[] {
  const zones = new Map<string, T[]>();
  let total = 0;
  for (const item of items) {
    const zone = zoneOf(item);
    const members = zones.get(zone);
    if (members) members.push(item);
    else zones.set(zone, [item]);
    total++;
  }
  const order: T[] = [];
  for (let round = 0; order.length < total; round++) {
    for (const members of zones.values()) if (round < members.length) order.push(members[round]!);
  }
  return order;
}
