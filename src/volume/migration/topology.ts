import {
  LABEL_REGION,
  LABEL_ZONE,
  type NodeSelectorTerm,
  type PersistentVolume,
  type TopologySelectorTerm,
  withMetadata,
} from '../../kube/index.ts';

// The zones of volumes and classes, from the labels of Kubernetes to the key of a driver and back. Source:
// in_tree_volume.go of k8s.io/csi-translation-lib.

const BETA_ZONE = 'failure-domain.beta.kubernetes.io/zone';
const BETA_REGION = 'failure-domain.beta.kubernetes.io/region';
/** Between the zones of a volume that is in several. */
export const ZONES_DELIMITER = '__';

/** The labels of zone and region that the volume uses: its affinity counts before its labels, stable before beta. */
export function topologyLabels(volume: PersistentVolume): { readonly zone: string; readonly region: string } {
  const stable = { zone: LABEL_ZONE, region: LABEL_REGION };
  const beta = { zone: BETA_ZONE, region: BETA_REGION };
  const labels = volume.metadata?.labels ?? {};
  const used = (names: typeof stable) => termsOf(volume).some((term) => hasKey(term, names.zone));
  if (used(stable)) return stable;
  if (used(beta)) return beta;
  return labels[LABEL_ZONE] === undefined && labels[BETA_ZONE] !== undefined ? beta : stable;
}

/** All values of a key in the volume's affinity, each once, sorted. */
export function topologyValues(volume: PersistentVolume, key: string): readonly string[] {
  const values = termsOf(volume)
    .flatMap((term) => term.matchExpressions ?? [])
    .filter((expression) => expression.key === key)
    .flatMap((expression) => expression.values ?? []);
  return [...new Set(values)].sort();
}

export function withKeyReplaced(volume: PersistentVolume, from: string, to: string): PersistentVolume {
  if (from === to) return volume;
  return withTerms(volume, (term) => ({
    ...term,
    matchExpressions: term.matchExpressions?.map((expression) =>
      expression.key === from ? { ...expression, key: to } : expression,
    ),
  }));
}

/** Each term of the volume's affinity asks for one of the values, too. */
export function withTopology(
  volume: PersistentVolume,
  key: string,
  given: readonly string[],
): PersistentVolume {
  const values = [...new Set(given.map((value) => value.trim()).filter(Boolean))].sort();
  if (values.length === 0) return volume;
  const required = { key, operator: 'In', values };
  return withTerms(
    volume,
    (term) => ({ ...term, matchExpressions: [...(term.matchExpressions ?? []), required] }),
    [{}],
  );
}

/** In-tree zones become the driver's; without an affinity the volume's labels tell them. */
export function toDriverTopology(volume: PersistentVolume, driverKey: string): PersistentVolume {
  const { zone, region } = topologyLabels(volume);
  const label = volume.metadata?.labels?.[zone];
  const zoned =
    topologyValues(volume, zone).length > 0
      ? withKeyReplaced(volume, zone, driverKey)
      : label === undefined
        ? volume
        : withTopology(volume, driverKey, label.split(ZONES_DELIMITER));
  // Nodes of today have the stable label only.
  return region === BETA_REGION ? withKeyReplaced(zoned, BETA_REGION, LABEL_REGION) : zoned;
}

/** The topologies of a class, its zones under the driver's key. */
export function toDriverTerms(
  terms: readonly TopologySelectorTerm[],
  driverKey: string,
): readonly TopologySelectorTerm[] {
  return terms.map((term) => ({
    ...term,
    matchLabelExpressions: term.matchLabelExpressions?.map((expression) =>
      expression.key === LABEL_ZONE || expression.key === BETA_ZONE
        ? { ...expression, key: driverKey }
        : expression,
    ),
  }));
}

export function withLabels(
  volume: PersistentVolume,
  added: Readonly<Record<string, string>>,
): PersistentVolume {
  // What is there stays.
  return withMetadata(volume, { labels: { ...added, ...volume.metadata?.labels } });
}

function termsOf(volume: PersistentVolume): readonly NodeSelectorTerm[] {
  return volume.spec?.nodeAffinity?.required?.nodeSelectorTerms ?? [];
}

function hasKey(term: NodeSelectorTerm, key: string): boolean {
  return term.matchExpressions?.some((expression) => expression.key === key) ?? false;
}

export function withTerms(
  volume: PersistentVolume,
  change: (term: NodeSelectorTerm) => NodeSelectorTerm,
  whenNone: readonly NodeSelectorTerm[] = [],
): PersistentVolume {
  const terms = termsOf(volume);
  const changed = (terms.length > 0 ? terms : whenNone).map(change);
  if (changed.length === 0) return volume;
  return { ...volume, spec: { ...volume.spec, nodeAffinity: { required: { nodeSelectorTerms: changed } } } };
}
