import type { Client } from '../client/index.ts';
import {
  type KubeObject,
  type Namespace,
  type Node,
  namespaces,
  nodes,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type Pod,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  type StorageClass,
  type Stored,
  storageClasses,
  type VolumeAttachment,
  type VolumeAttributesClass,
  type VolumeGroupSnapshot,
  type VolumeGroupSnapshotContent,
  type VolumeSnapshot,
  type VolumeSnapshotContent,
  volumeAttachments,
  volumeAttributesClasses,
  volumeGroupSnapshotContents,
  volumeGroupSnapshots,
  volumeSnapshotContents,
  volumeSnapshots,
} from '../kube/index.ts';
import type { WorkloadKind } from './actions.ts';
import type { PooledSnapshot } from './whereabouts.ts';
import { WORKLOAD_KINDS, WORKLOADS } from './workloads.ts';

/** What the API server holds, by name. */
export interface Snapshot {
  readonly pods: ReadonlyMap<string, Stored<Pod>>;
  readonly claims: ReadonlyMap<string, Stored<PersistentVolumeClaim>>;
  readonly volumes: ReadonlyMap<string, Stored<PersistentVolume>>;
  readonly classes: ReadonlyMap<string, Stored<StorageClass>>;
  readonly attributes: ReadonlyMap<string, Stored<VolumeAttributesClass>>;
  readonly attachments: ReadonlyMap<string, Stored<VolumeAttachment>>;
  readonly copies: ReadonlyMap<string, Stored<VolumeSnapshot>>;
  readonly contents: ReadonlyMap<string, Stored<VolumeSnapshotContent>>;
  readonly groups: ReadonlyMap<string, Stored<VolumeGroupSnapshot>>;
  readonly groupContents: ReadonlyMap<string, Stored<VolumeGroupSnapshotContent>>;
  readonly workloads: readonly { readonly kind: WorkloadKind; readonly object: Stored<KubeObject> }[];
  readonly namespaces: ReadonlyMap<string, Stored<Namespace>>;
  readonly nodes: ReadonlyMap<string, Stored<Node>>;
}

export interface Truth {
  /** The nodes whose machines are there. */
  readonly aliveNodes: readonly string[];
  /** The one that the disk driver's volumes, and local directories, are on. */
  readonly poolNode: string;
  /** Nodes attach for themselves: CSI volumes are not for them, as upstream. */
  readonly nodesAttach: boolean;
  /** What the disk driver keeps of a volume's attributes, as JSON; undefined: it does not know the volume. */
  limitsOf(volumeId: string): string | undefined;
  /** Mounts of file systems to which nobody can write. */
  frozen(): readonly string[];
  /** What the disk driver has of snapshots. */
  pooledSnapshots(): readonly PooledSnapshot[];
}

export async function takeSnapshot(client: Client): Promise<Snapshot> {
  const of = async <T>(resource: { readonly __object?: T } & Parameters<Client['list']>[0]) => {
    const { items } = await client.list(resource);
    return new Map(items.map((item) => [item.metadata.name, item]));
  };
  const workloadsOf = async (kind: WorkloadKind) =>
    [...(await of(WORKLOADS[kind].resource)).values()].map((object) => ({ kind, object }));
  return {
    pods: await of(pods),
    claims: await of(persistentVolumeClaims),
    volumes: await of(persistentVolumes),
    classes: await of(storageClasses),
    attributes: await of(volumeAttributesClasses),
    attachments: await of(volumeAttachments),
    copies: await of(volumeSnapshots),
    contents: await of(volumeSnapshotContents),
    groups: await of(volumeGroupSnapshots),
    groupContents: await of(volumeGroupSnapshotContents),
    workloads: (await Promise.all(WORKLOAD_KINDS.map(workloadsOf))).flat(),
    namespaces: await of(namespaces),
    nodes: await of(nodes),
  } as unknown as Snapshot;
}
