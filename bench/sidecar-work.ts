import { waitUntil } from '../src/client/index.ts';
import type { Cluster } from '../src/cluster.ts';
import {
  csiNodes,
  type KubeObject,
  type PersistentVolume,
  persistentVolumeClaims,
  persistentVolumes,
  type Resource,
  type Stored,
  volumeAttachments,
  volumeSnapshotContents,
  volumeSnapshots,
} from '../src/kube/index.ts';
import { createImmediateClasses } from '../src/testing/immediate-classes.ts';

const DRIVER = 'disk.csi.stowage.dev';
/** Attaches volumes to anything, and does nothing. */
export const IDLE_DRIVER = 'idle.csi.example.com';
/** Where it does so. */
const NODE = 'anywhere';
const LIMIT_MS = 600_000;

type Names = readonly string[];

/** Classes for the disk driver, and so many volumes of the idle one. */
export async function prepare({ client }: Cluster, volumes: number): Promise<void> {
  await createImmediateClasses(client, 'bench', DRIVER);
  const drivers = [{ name: IDLE_DRIVER, nodeID: NODE }];
  await client.create(csiNodes, { metadata: { name: NODE }, spec: { drivers } });
  const volume = (name: string): PersistentVolume => ({
    metadata: { name },
    spec: {
      accessModes: ['ReadWriteOnce'],
      capacity: { storage: '1Gi' },
      storageClassName: 'static',
      csi: { driver: IDLE_DRIVER, volumeHandle: name },
    },
  });
  await Promise.all(
    Array.from({ length: volumes }, (_, index) => client.create(persistentVolumes, volume(`v-${index}`))),
  );
}

export function bind(cluster: Cluster, names: Names): Promise<void> {
  return until(
    cluster,
    persistentVolumeClaims,
    names,
    ({ status }) => status?.phase === 'Bound',
    (name) => ({
      metadata: { name, namespace: 'default' },
      spec: {
        storageClassName: 'bench',
        accessModes: ['ReadWriteOnce'],
        resources: { requests: { storage: '16Mi' } },
      },
    }),
  );
}

export function snapshot(cluster: Cluster, names: Names): Promise<void> {
  return until(
    cluster,
    volumeSnapshots,
    names,
    ({ status }) => status?.readyToUse === true,
    (name) => ({
      metadata: { name, namespace: 'default' },
      spec: { volumeSnapshotClassName: 'bench', source: { persistentVolumeClaimName: name } },
    }),
  );
}

export function attach(cluster: Cluster, names: Names): Promise<void> {
  return until(
    cluster,
    volumeAttachments,
    names,
    ({ status }) => status?.attached === true,
    (name) => ({
      metadata: { name },
      spec: { attacher: IDLE_DRIVER, nodeName: NODE, source: { persistentVolumeName: name } },
    }),
  );
}

export const deleteSnapshots = (cluster: Cluster, names: Names) =>
  deleteAll(cluster, volumeSnapshots, names, volumeSnapshotContents);
export const deleteClaims = (cluster: Cluster, names: Names) =>
  deleteAll(cluster, persistentVolumeClaims, names, persistentVolumes, ({ metadata }) =>
    metadata.name.startsWith('pvc-'),
  );
export const detach = (cluster: Cluster, names: Names) =>
  deleteAll(cluster, volumeAttachments, names, volumeAttachments);

/** Creates these objects at once; resolves when all are as they should be. */
async function until<T extends KubeObject>(
  { informers, clock, client }: Cluster,
  resource: Resource<T>,
  names: Names,
  isSo: (object: Stored<T>) => boolean,
  object: (name: string) => T,
): Promise<void> {
  const informer = informers.of(resource);
  await informer.synced;
  const pending = new Set(names);
  const seen = (one: Stored<T>) => {
    if (isSo(one)) pending.delete(one.metadata.name);
  };
  const stop = informer.on({ added: seen, updated: seen });
  const limits = { clock, limitMs: LIMIT_MS, what: `all ${resource.plural}` };
  const all = waitUntil([informer as never], () => pending.size === 0, limits);
  await Promise.all(names.map((name) => client.create(resource, object(name))));
  await all.finally(stop);
}

/** Deletes these objects at once; resolves when of the others, that go with them, none is left. */
async function deleteAll<T extends KubeObject>(
  { client, informers, clock }: Cluster,
  resource: Resource,
  names: Names,
  left: Resource<T>,
  counts: (object: Stored<T>) => boolean = () => true,
): Promise<void> {
  const namespace = resource.namespaced ? { namespace: 'default' } : {};
  const remaining = informers.of(left);
  await remaining.synced;
  const pending = new Set([...remaining.values()].filter(counts).map(({ metadata }) => metadata.uid));
  const stop = remaining.on({ deleted: ({ metadata }) => pending.delete(metadata.uid) });
  const limits = { clock, limitMs: LIMIT_MS, what: `the end of all ${left.plural}` };
  const all = waitUntil([remaining as never], () => pending.size === 0, limits);
  await Promise.all(names.map((name) => client.delete(resource, { ...namespace, name })));
  await all.finally(stop);
}
