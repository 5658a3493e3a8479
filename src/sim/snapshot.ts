import type { Client } from '../client/index.ts';
import {
  type Node,
  nodes,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type Pod,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  type StatefulSet,
  type StorageClass,
  type Stored,
  statefulSets,
  storageClasses,
  type VolumeAttachment,
  volumeAttachments,
} from '../kube/index.ts';

/** What the API server holds, by name. */
export interface Snapshot {
  readonly pods: ReadonlyMap<string, Stored<Pod>>;
  readonly claims: ReadonlyMap<string, Stored<PersistentVolumeClaim>>;
  readonly volumes: ReadonlyMap<string, Stored<PersistentVolume>>;
  readonly classes: ReadonlyMap<string, Stored<StorageClass>>;
  readonly attachments: ReadonlyMap<string, Stored<VolumeAttachment>>;
  readonly sets: ReadonlyMap<string, Stored<StatefulSet>>;
  readonly nodes: ReadonlyMap<string, Stored<Node>>;
}

export interface Truth {
  /** The nodes whose machines are there. */
  readonly aliveNodes: readonly string[];
  /** The one that the disk driver's volumes, and local directories, are on. */
  readonly poolNode: string;
}

export async function takeSnapshot(client: Client): Promise<Snapshot> {
  const of = async <T>(resource: { readonly __object?: T } & Parameters<Client['list']>[0]) => {
    const { items } = await client.list(resource);
    return new Map(items.map((item) => [item.metadata.name, item]));
  };
  return {
    pods: await of(pods),
    claims: await of(persistentVolumeClaims),
    volumes: await of(persistentVolumes),
    classes: await of(storageClasses),
    attachments: await of(volumeAttachments),
    sets: await of(statefulSets),
    nodes: await of(nodes),
  } as unknown as Snapshot;
}
