import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { waitUntil } from '../src/client/index.ts';
import { type Cluster, startCluster } from '../src/cluster.ts';
import {
  type PersistentVolumeClaim,
  persistentVolumeClaims,
  persistentVolumes,
  storageClasses,
} from '../src/kube/index.ts';
import { type Figure, median, timed } from './figure.ts';

const ONE_BY_ONE = 50;
const AT_ONCE = 200;
const STATIC_PAIRS = 2_000;
const LIMIT_MS = 120_000;

/** How long claims take to be Bound, on a durable store, with the disk driver behind its socket. */
export async function claims(): Promise<Figure[]> {
  const directory = await mkdtemp(join(tmpdir(), 'stowage-bench-'));
  const cluster = await startCluster({ dataDir: directory, logLevel: 'error' });
  try {
    await cluster.client.create(storageClasses, {
      metadata: { name: 'now' },
      provisioner: 'disk.csi.stowage.dev',
      volumeBindingMode: 'Immediate',
    });
    await bind(cluster, ['warm-up']);
    const single: number[] = [];
    for (let i = 0; i < ONE_BY_ONE; i++) single.push(await timed(() => bind(cluster, [`single-${i}`])));
    const many = await timed(() => bind(cluster, names('many', AT_ONCE)));
    const pairs = await timed(() => bindStatic(cluster));
    return [
      { what: 'PVC create to Bound, one at a time, median', value: median(single), unit: 'ms', budget: 5 },
      { what: `${AT_ONCE} PVCs at once, dynamic, all Bound`, value: many, unit: 'ms', budget: 400 },
      {
        what: `${STATIC_PAIRS} PVs with ${STATIC_PAIRS} claims, static, all Bound`,
        value: pairs,
        unit: 'ms',
        budget: 1000,
      },
      { what: 'resident after that', value: process.memoryUsage().rss / 2 ** 20, unit: 'MB', budget: 250 },
    ];
  } finally {
    await cluster.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

function names(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}-${index}`);
}

function claim(name: string, storageClassName: string): PersistentVolumeClaim {
  return {
    metadata: { name, namespace: 'default' },
    spec: { storageClassName, accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '16Mi' } } },
  };
}

/** Creates the claims; resolves once all are Bound. */
async function bind(
  cluster: Cluster,
  claimNames: readonly string[],
  storageClassName = 'now',
): Promise<void> {
  const informer = cluster.informers.of(persistentVolumeClaims);
  await informer.synced;
  const pending = new Set(claimNames);
  const stop = informer.on({
    updated: ({ metadata, status }) => {
      if (status?.phase === 'Bound') pending.delete(metadata.name);
    },
  });
  const all = waitUntil([informer as never], () => pending.size === 0, {
    clock: cluster.clock,
    limitMs: LIMIT_MS,
    what: 'claims to be Bound',
  });
  await Promise.all(
    claimNames.map((name) => cluster.client.create(persistentVolumeClaims, claim(name, storageClassName))),
  );
  await all.finally(stop);
}

async function bindStatic(cluster: Cluster): Promise<void> {
  const volumes = names('static', STATIC_PAIRS).map((name) =>
    cluster.client.create(persistentVolumes, {
      metadata: { name },
      spec: {
        storageClassName: 'by-hand',
        capacity: { storage: '16Mi' },
        accessModes: ['ReadWriteOnce'],
        persistentVolumeReclaimPolicy: 'Retain',
        hostPath: { path: '/nonexistent' },
      },
    }),
  );
  await Promise.all([Promise.all(volumes), bind(cluster, names('static', STATIC_PAIRS), 'by-hand')]);
}
