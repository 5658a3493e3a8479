import { LABEL_HOSTNAME, type Node, type PersistentVolume } from '../../kube/index.ts';

/**
 * The nodes that a local volume is for, by its affinity to host names; undefined when that does not say. Upstream takes
 * a volume whose affinity is to something else for one whose nodes are all gone.
 * Source: GetLocalPersistentVolumeNodeNames of sig-storage-local-static-provisioner.
 */
export function nodesOf({ spec }: PersistentVolume): ReadonlySet<string> | undefined {
  const terms = spec?.nodeAffinity?.required?.nodeSelectorTerms ?? [];
  const names = new Set<string>();
  for (const { matchExpressions = [] } of terms) {
    const lists = matchExpressions
      .filter(({ key, operator }) => key === LABEL_HOSTNAME && operator === 'In')
      .map(({ values = [] }) => new Set(values));
    const [first, ...others] = lists;
    if (!first) return undefined;
    for (const name of first) if (others.every((list) => list.has(name))) names.add(name);
  }
  return names.size > 0 ? names : undefined;
}

/** Whether the volume is one of the classes, and none of its nodes is there, by name or by host name. */
export function isStale(
  volume: PersistentVolume,
  classes: ReadonlySet<string>,
  nodes: Iterable<Node>,
): boolean {
  if (!volume.spec?.local || !classes.has(volume.spec.storageClassName ?? '')) return false;
  const wanted = nodesOf(volume);
  if (!wanted) return false;
  for (const { metadata } of nodes)
    if (wanted.has(metadata?.name ?? '') || wanted.has(metadata?.labels?.[LABEL_HOSTNAME] ?? ''))
      return false;
  return true;
}

/** Whether nobody can miss the object of a volume whose node is gone. Source: DeletePVs. */
export function mayBeDeleted({ spec, status }: PersistentVolume): boolean {
  if (status?.phase === 'Available') return true;
  return status?.phase === 'Released' && spec?.persistentVolumeReclaimPolicy === 'Delete';
}
