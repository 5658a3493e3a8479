import type { Lister } from '../../client/index.ts';
import type { PersistentVolumeClaim, Pod, Stored, Volume } from '../../kube/index.ts';
import type { ClusterView } from '../cache.ts';
import { ADD, DELETE, interest } from '../cluster-events.ts';
import { type CycleState, stateKey } from '../cycle-state.ts';
import type { Plugin } from '../plugin.ts';
import { type PodClaim, podClaims } from '../pod-claims.ts';
import type { PodInfo } from '../pod-info.ts';
import { SKIP, unresolvable, unschedulable } from '../status.ts';

const DISK_CONFLICT = unschedulable('node(s) had no available disk');
const CLAIM_IN_USE = unschedulable(
  'node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod',
);

/** The ReadWriteOncePod claims of a pod and how many uses other pods make of them. */
class ClaimUses {
  readonly #claims: ReadonlySet<string>;
  uses: number;

  constructor(claims: ReadonlySet<string>, uses: number) {
    this.#claims = claims;
    this.uses = uses;
  }

  clone(): ClaimUses {
    return new ClaimUses(this.#claims, this.uses);
  }

  count({ claims }: PodInfo, times: 1 | -1): void {
    for (const claim of claims) if (isDirect(claim) && this.#claims.has(claim.key)) this.uses += times;
  }
}

const claimUses = stateKey<ClaimUses>('VolumeRestrictions');

/**
 * A ReadWriteOncePod claim serves one pod in the cluster; an in-tree disk that allows one writer is not mounted by two
 * pods of a node.
 */
export function volumeRestrictions(options: {
  claims: Lister<Stored<PersistentVolumeClaim>>;
  cluster: ClusterView;
}): Plugin {
  return {
    name: 'VolumeRestrictions',
    interests: [
      interest('Pod', DELETE, ({ pod, claims }, deleted) => {
        if (deleted === undefined || deleted.metadata.namespace !== pod.metadata.namespace) return false;
        if (disksOf(pod).some((disk) => sharesDisk(disk, deleted))) return true;
        const names = new Set(claims.filter(isDirect).map(({ name }) => name));
        return podClaims(deleted).some((claim) => isDirect(claim) && names.has(claim.name));
      }),
      interest('Node', ADD),
      interest('PersistentVolumeClaim', ADD, (pod, _before, claim) =>
        pod.claims.some(({ key, ephemeral }) => {
          return !ephemeral && key === `${claim?.metadata.namespace}/${claim?.metadata.name}`;
        }),
      ),
    ],
    preFilter(state: CycleState, pod: PodInfo) {
      const exclusive = new Set<string>();
      let uses = 0;
      for (const { key, name } of pod.claims.filter(isDirect)) {
        const claim = options.claims.byKey(key);
        if (!claim) return unresolvable(`persistentvolumeclaim "${name}" not found`);
        if (!claim.spec?.accessModes?.includes('ReadWriteOncePod')) continue;
        exclusive.add(key);
        if (options.cluster.isClaimInUse(key)) uses++;
      }
      // A claim that is free now may be promised, by preemption, to a pod that goes before this one.
      if (exclusive.size === 0 && disksOf(pod.pod).length === 0) return SKIP;
      state.write(claimUses, new ClaimUses(exclusive, uses));
      return undefined;
    },
    addPod: (state, _pod, added) => state.read(claimUses)?.count(added, 1),
    removePod: (state, _pod, removed) => state.read(claimUses)?.count(removed, -1),
    filter(state, { pod }, node) {
      for (const disk of disksOf(pod)) {
        for (const other of node.pods.values()) if (sharesDisk(disk, other.pod)) return DISK_CONFLICT;
      }
      return (state.read(claimUses)?.uses ?? 0) > 0 ? CLAIM_IN_USE : undefined;
    },
  };
}

/** Claims of ephemeral volumes belong to one pod by their making. */
function isDirect({ ephemeral }: PodClaim): boolean {
  return !ephemeral;
}

function disksOf(pod: Pod): readonly Volume[] {
  return (pod.spec?.volumes ?? []).filter(
    ({ gcePersistentDisk, awsElasticBlockStore, rbd, iscsi }) =>
      gcePersistentDisk ?? awsElasticBlockStore ?? rbd ?? iscsi,
  );
}

/** Whether the pod mounts the same disk in a way that excludes this one. Read-only mounts share, except of EBS. */
export function sharesDisk(volume: Volume, pod: Pod): boolean {
  return (pod.spec?.volumes ?? []).some((other) => {
    const { gcePersistentDisk: gce, awsElasticBlockStore: ebs, iscsi, rbd } = volume;
    if (gce && gce.pdName === other.gcePersistentDisk?.pdName) {
      if (!(gce.readOnly && other.gcePersistentDisk.readOnly)) return true;
    }
    if (ebs && ebs.volumeID === other.awsElasticBlockStore?.volumeID) return true;
    if (iscsi && iscsi.iqn === other.iscsi?.iqn && !(iscsi.readOnly && other.iscsi.readOnly)) return true;
    const them = other.rbd;
    if (!rbd || !them || (rbd.readOnly && them.readOnly)) return false;
    const samePool = (rbd.pool ?? 'rbd') === (them.pool ?? 'rbd');
    return samePool && rbd.image === them.image && rbd.monitors.some((name) => them.monitors.includes(name));
  });
}
