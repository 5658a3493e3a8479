import { errorMessage } from '../../base/index.ts';
import type { NodeSelectorTerm, PersistentVolume } from '../../kube/index.ts';
import {
  topologyLabels,
  topologyValues,
  withKeyReplaced,
  withLabels,
  withTerms,
  ZONES_DELIMITER,
} from './topology.ts';

/**
 * The volume with its zones under the key of Kubernetes, its region beside them, and both as labels: as the in-tree plugin
 * would have made it. Source: translateTopologyFromCSIToInTree.
 */
export function toInTreeTopology(
  volume: PersistentVolume,
  driverKey: string,
  regionOf?: (zones: readonly string[]) => string,
): PersistentVolume {
  const { zone } = topologyLabels(volume);
  const zoned = withKeyReplaced(volume, driverKey, zone);
  const placed = regionOf ? withRegions(zoned, regionOf) : zoned;
  const zones = topologyValues(placed, zone);
  return zones.length > 0 ? withLabels(placed, { [zone]: zones.join(ZONES_DELIMITER) }) : placed;
}

function withRegions(
  volume: PersistentVolume,
  regionOf: (zones: readonly string[]) => string,
): PersistentVolume {
  const labels = topologyLabels(volume);
  const valuesOf = ({ matchExpressions = [] }: NodeSelectorTerm, key: string) =>
    matchExpressions.filter((expression) => expression.key === key).flatMap(({ values = [] }) => values);
  const regional = withTerms(volume, (term) => {
    if (term.matchExpressions?.some(({ key }) => key === labels.region)) return term;
    const required = { key: labels.region, operator: 'In', values: [region(valuesOf(term, labels.zone))] };
    return { ...term, matchExpressions: [...(term.matchExpressions ?? []), required] };
  });
  const [only, ...others] = topologyValues(regional, labels.region);
  return only !== undefined && others.length === 0
    ? withLabels(regional, { [labels.region]: only })
    : regional;

  function region(zones: readonly string[]): string {
    try {
      return regionOf(zones);
    } catch (error) {
      throw new Error(`Failed to handle region topology. error: ${errorMessage(error)}`, { cause: error });
    }
  }
}
