import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { waitUntil } from '../src/client/index.ts';
import { type Cluster, startCluster } from '../src/cluster.ts';
import { type PersistentVolumeClaim, persistentVolumeClaims, storageClasses } from '../src/kube/index.ts';
import { type Figure, median, timed } from './figure.ts';
import { staticPairs } from './static-pairs.ts';

const ONE_BY_ONE = 50;
const AT_ONCE = 200;
const LIMIT_MS = 120_000;

/** How long claims take to be Bound, on a durable store. */
export async function claims(): Promise<Figure[]> {
  return [...(await dynamicClaims()), ...(await staticPairs())];
}

/** With the disk driver behind its socket. */
async function dynamicClaims(): Promise<Figure[]> {
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
    // By now V8 has compiled what a claim needs.
    const warm: number[] = [];
    for (let i = 0; i < ONE_BY_ONE; i++) warm.push(await timed(() => bind(cluster, [`warm-${i}`])));
    const oneByOne = 'PVC create to Bound, one at a time, median';
    return [
      { what: `${oneByOne} of the first ${ONE_BY_ONE}`, value: median(single), unit: 'ms', budget: 5 },
      { what: `${oneByOne} after ${ONE_BY_ONE + AT_ONCE}`, value: median(warm), unit: 'ms', budget: 5 },
      { what: `${AT_ONCE} PVCs at once, dynamic, all Bound`, value: many, unit: 'ms', budget: 400 },
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
async function bind(cluster: Cluster, claimNames: readonly string[]): Promise<void> {
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
    claimNames.map((name) => cluster.client.create(persistentVolumeClaims, claim(name, 'now'))),
  );
  await all.finally(stop);
}
