import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger, systemClock, systemRandom } from '../src/base/index.ts';
import { type ComponentContext, Recorder, waitUntil } from '../src/client/index.ts';
import { CONTROLLER_SIDECARS } from '../src/cluster/sidecars.ts';
import { type Cluster, startCluster } from '../src/cluster.ts';
import { type CsiClient, connectCsi, csi } from '../src/csi/index.ts';
import {
  type KubeObject,
  persistentVolumeClaims,
  persistentVolumes,
  type Resource,
  type Stored,
  storageClasses,
  type VolumeAttachment,
  volumeAttachments,
  volumeSnapshotClasses,
  volumeSnapshotContents,
  volumeSnapshots,
} from '../src/kube/index.ts';
import { countedClient, tally } from './counted-client.ts';
import { type Figure, timed } from './figure.ts';
import { sidecarMemory } from './sidecar-memory.ts';

const DRIVER = 'disk.csi.stowage.dev';
const NODE = 'node-1';
const VOLUMES = 500;
const SNAPSHOTS = 100;
const LIMIT_MS = 600_000;
const MIB = 1024n * 1024n;

/**
 * The sidecars at work on the disk driver, on a durable store: many volumes made, attached, detached, snapshotted and
 * deleted at once, each beside the bare calls of the driver, with the requests to the API server that each took.
 */
export async function sidecars(): Promise<Figure[]> {
  const directory = await mkdtemp(join(tmpdir(), 'stowage-bench-'));
  const cluster = await startCluster({ dataDir: directory, without: ['sidecars'], logLevel: 'error' });
  const driver = connectCsi(`unix://${cluster.layout.controllerSocket}`, {
    clock: systemClock,
    timeoutMs: LIMIT_MS,
  });
  const abort = new AbortController();
  const { client, requests } = countedClient(cluster.client);
  const shared = { clock: systemClock, random: systemRandom, log: silentLogger };
  const { informers, trace } = cluster;
  const recorders: Recorder[] = [];
  const context: ComponentContext = {
    ...{ ...shared, client, informers, trace },
    recorder(component) {
      const recorder = new Recorder({ client, ...shared, component });
      recorders.push(recorder);
      return recorder;
    },
  };
  const running = Object.values(CONTROLLER_SIDECARS).map(({ create }) =>
    create(context, { csi: driver }).start(abort.signal),
  );
  try {
    const figures: Figure[] = [];
    const measure = async (
      what: string,
      count: number,
      floor: () => Promise<unknown>,
      work: () => Promise<unknown>,
    ) => {
      const beside = { what: 'bare calls of the driver', value: await timed(floor) };
      tally(requests);
      const value = await timed(work);
      await Promise.all(recorders.map((recorder) => recorder.flush()));
      const { own, events } = tally(requests);
      figures.push(
        { what: `${count} ${what} at once`, value, unit: 'ms', beside },
        {
          what: `${what}: API requests for each`,
          value: own / count,
          unit: '',
          beside: { what: 'events besides', value: events / count },
        },
      );
    };
    const bare = new Bare(driver);
    await prepare(cluster);
    const names = Array.from({ length: VOLUMES }, (_, index) => `v-${index}`);
    const some = names.slice(0, SNAPSHOTS);

    await measure(
      'claims until Bound',
      VOLUMES,
      () => bare.create(names),
      () => bind(cluster, names),
    );
    await measure(
      'attachments',
      VOLUMES,
      () => bare.publish(names),
      () => attach(cluster, names),
    );
    await measure(
      'snapshots until ready',
      SNAPSHOTS,
      () => bare.snapshot(some),
      () => snapshot(cluster, some),
    );
    await measure(
      'snapshots deleted',
      SNAPSHOTS,
      () => bare.deleteSnapshots(some),
      () => removeAll(cluster, volumeSnapshots, some, volumeSnapshotContents),
    );
    await measure(
      'detachments',
      VOLUMES,
      () => bare.unpublish(names),
      () => removeAll(cluster, volumeAttachments, names, volumeAttachments),
    );
    await measure(
      'claims deleted',
      VOLUMES,
      () => bare.remove(names),
      () => removeAll(cluster, persistentVolumeClaims, names, persistentVolumes),
    );
    return [...figures, ...(await sidecarMemory(VOLUMES))];
  } finally {
    abort.abort();
    await Promise.all(running);
    driver.close();
    await cluster.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

async function prepare({ client }: Cluster): Promise<void> {
  await client.create(storageClasses, {
    metadata: { name: 'bench' },
    provisioner: DRIVER,
    reclaimPolicy: 'Delete',
    volumeBindingMode: 'Immediate',
  });
  await client.create(volumeSnapshotClasses, {
    metadata: { name: 'bench' },
    driver: DRIVER,
    deletionPolicy: 'Delete',
  });
}

async function bind(cluster: Cluster, names: readonly string[]): Promise<void> {
  const bound = all(cluster, persistentVolumeClaims, names, ({ status }) => status?.phase === 'Bound');
  await createAll(names, (name) =>
    cluster.client.create(persistentVolumeClaims, {
      metadata: { name, namespace: 'default' },
      spec: {
        storageClassName: 'bench',
        accessModes: ['ReadWriteOnce'],
        resources: { requests: { storage: '16Mi' } },
      },
    }),
  );
  await bound;
}

async function attach(cluster: Cluster, names: readonly string[]): Promise<void> {
  const claims = cluster.informers.of(persistentVolumeClaims);
  const attached = all(cluster, volumeAttachments, names, ({ status }) => status?.attached === true);
  await createAll(names, (name) =>
    cluster.client.create(volumeAttachments, {
      metadata: { name },
      spec: {
        attacher: DRIVER,
        nodeName: NODE,
        source: { persistentVolumeName: claims.get(name, 'default')?.spec?.volumeName ?? '' },
      },
    } as VolumeAttachment),
  );
  await attached;
}

async function snapshot(cluster: Cluster, names: readonly string[]): Promise<void> {
  const ready = all(cluster, volumeSnapshots, names, ({ status }) => status?.readyToUse === true);
  await createAll(names, (name) =>
    cluster.client.create(volumeSnapshots, {
      metadata: { name, namespace: 'default' },
      spec: { volumeSnapshotClassName: 'bench', source: { persistentVolumeClaimName: name } },
    }),
  );
  await ready;
}

/** Deletes these objects; resolves once none of `left` is left. */
async function removeAll(
  { client, informers, clock }: Cluster,
  resource: Resource,
  names: readonly string[],
  left: Resource,
): Promise<void> {
  const namespace = resource.namespaced ? { namespace: 'default' } : {};
  const remaining = informers.of(left);
  await createAll(names, (name) => client.delete(resource, { ...namespace, name }));
  const what = `the end of all ${left.plural}`;
  await waitUntil([remaining as never], () => remaining.size === 0, { clock, limitMs: LIMIT_MS, what });
}

const createAll = <T>(names: readonly string[], create: (name: string) => Promise<T>): Promise<T[]> =>
  Promise.all(names.map(create));

/** Resolves once all of these objects are so. */
async function all<T extends KubeObject>(
  { informers, clock }: Cluster,
  resource: Resource<T>,
  names: readonly string[],
  isSo: (object: Stored<T>) => boolean,
): Promise<void> {
  const informer = informers.of(resource);
  await informer.synced;
  const pending = new Set(names);
  const seen = (object: Stored<T>) => {
    if (isSo(object)) pending.delete(object.metadata.name);
  };
  const stop = informer.on({ added: seen, updated: seen });
  const limits = { clock, limitMs: LIMIT_MS, what: `all ${resource.plural}` };
  await waitUntil([informer as never], () => pending.size === 0, limits).finally(stop);
}

/** The same work as bare calls, on volumes of its own. */
class Bare {
  readonly #driver: CsiClient;
  readonly #volumes = new Map<string, string>();
  readonly #snapshots: string[] = [];

  constructor(driver: CsiClient) {
    this.#driver = driver;
  }

  get #capability() {
    const mode = csi.VolumeCapability_AccessMode_Mode.SINGLE_NODE_WRITER;
    return { accessMode: { mode }, accessType: { case: 'mount' as const, value: { fsType: '' } } };
  }

  create(names: readonly string[]) {
    return createAll(names, async (name) => {
      const { volume } = await this.#driver.controller.createVolume({
        name: `bare-${name}`,
        capacityRange: { requiredBytes: 16n * MIB },
        volumeCapabilities: [this.#capability],
      });
      this.#volumes.set(name, volume?.volumeId ?? '');
    });
  }

  publish(names: readonly string[]) {
    return createAll(names, (name) =>
      this.#driver.controller.controllerPublishVolume({
        volumeId: this.#volumes.get(name) ?? '',
        nodeId: NODE,
        volumeCapability: this.#capability,
      }),
    );
  }

  unpublish(names: readonly string[]) {
    return createAll(names, (name) =>
      this.#driver.controller.controllerUnpublishVolume({
        volumeId: this.#volumes.get(name) ?? '',
        nodeId: NODE,
      }),
    );
  }

  snapshot(names: readonly string[]) {
    return createAll(names, async (name) => {
      const sourceVolumeId = this.#volumes.get(name) ?? '';
      const { snapshot: cut } = await this.#driver.controller.createSnapshot({
        name: `bare-${name}`,
        sourceVolumeId,
      });
      this.#snapshots.push(cut?.snapshotId ?? '');
    });
  }

  deleteSnapshots(_names: readonly string[]) {
    return createAll(this.#snapshots.splice(0), (snapshotId) =>
      this.#driver.controller.deleteSnapshot({ snapshotId }),
    );
  }

  remove(names: readonly string[]) {
    return createAll(names, (name) =>
      this.#driver.controller.deleteVolume({ volumeId: this.#volumes.get(name) ?? '' }),
    );
  }
}
