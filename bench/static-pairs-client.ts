import { parentPort, workerData } from 'node:worker_threads';
import { silentLogger, systemClock, systemRandom } from '../src/base/index.ts';
import { createHttpClient, loadKubeconfig } from '../src/client/http/index.ts';
import { Informers, waitUntil } from '../src/client/index.ts';
import { namespaces, persistentVolumeClaims, persistentVolumes } from '../src/kube/index.ts';

// A client as any other: it makes so many volumes and claims over HTTPS, waits until all are Bound, deletes all, and waits
// until they are gone. Tells how long each took, in milliseconds.

const CONNECTIONS = 64;
const LIMIT_MS = 600_000;
const { kubeconfig, pairs } = workerData as { kubeconfig: string; pairs: number };
const client = createHttpClient({
  ...(await loadKubeconfig(kubeconfig)),
  clock: systemClock,
  userAgent: 'stowage-bench',
});
const informers = new Informers({ client, clock: systemClock, random: systemRandom, log: silentLogger });
const claims = informers.of(persistentVolumeClaims);
const volumes = informers.of(persistentVolumes);
const stop = new AbortController();
const following = informers.start(stop.signal);
await Promise.all([claims.synced, volumes.synced]);

const bound = new Set<string>();
claims.on({
  updated: ({ metadata, status }) => void (status?.phase === 'Bound' && bound.add(metadata.name)),
});
const spec = { storageClassName: 'by-hand', accessModes: ['ReadWriteOnce'] };
const namespace = `pairs-${pairs}`;
await client.create(namespaces, { metadata: { name: namespace } });

const until = (what: string, look: () => boolean) =>
  waitUntil([claims as never, volumes as never], look, { clock: systemClock, limitMs: LIMIT_MS, what });
const timed = async (work: () => Promise<unknown>) => {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
};

const bindMs = await timed(async () => {
  let next = 0;
  const some = async () => {
    while (next < 2 * pairs) {
      const index = next++;
      const name = `static-${index >> 1}`;
      await (index % 2 === 0 ? createVolume(name) : createClaim(name));
    }
  };
  await Promise.all([
    ...Array.from({ length: CONNECTIONS }, some),
    until('claims to be Bound', () => bound.size === pairs),
  ]);
});
const deleteMs = await timed(async () => {
  await client.deleteCollection(persistentVolumeClaims, { namespace });
  await client.deleteCollection(persistentVolumes, {});
  await until('everything to be gone', () => claims.size === 0 && volumes.size === 0);
});
parentPort!.postMessage({ bindMs, deleteMs });
stop.abort();
await following;
client.close();

function createVolume(name: string) {
  return client.create(persistentVolumes, {
    metadata: { name },
    spec: {
      ...spec,
      capacity: { storage: '16Mi' },
      persistentVolumeReclaimPolicy: 'Retain',
      hostPath: { path: '/nonexistent' },
    },
  });
}

function createClaim(name: string) {
  return client.create(persistentVolumeClaims, {
    metadata: { name, namespace },
    spec: { ...spec, resources: { requests: { storage: '16Mi' } } },
  });
}
