import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { waitUntil } from '../src/client/index.ts';
import { type Cluster, startCluster } from '../src/cluster.ts';
import { namespaces, persistentVolumeClaims, persistentVolumes } from '../src/kube/index.ts';
import type { Figure } from './figure.ts';

const PAIRS = 1_000;
const ROUNDS = 8;
const AT_ONCE = 64;
const LIMIT_MS = 600_000;

/**
 * What a static pair costs the server without HTTP: registry, durable store, controllers. The least processor time of some
 * rounds in one process, which another's load changes little; the first round is with code that V8 has yet to compile.
 */
export async function pairCost(): Promise<Figure[]> {
  const directory = await mkdtemp(join(tmpdir(), 'stowage-bench-'));
  const cluster = await startCluster({
    dataDir: directory,
    nodes: 0,
    port: 0,
    disk: false,
    logLevel: 'error',
  });
  try {
    const rounds: { bindMs: number; deleteMs: number }[] = [];
    for (let round = 0; round < ROUNDS; round++) rounds.push(await costOf(cluster, `round-${round}`));
    const least = (of: (round: (typeof rounds)[number]) => number) => Math.min(...rounds.map(of));
    const what = 'processor time of a static pair without HTTP';
    return [
      { what: `${what}, Bound, first ${PAIRS}`, value: rounds[0]!.bindMs, unit: 'ms' },
      { what: `${what}, Bound, warm`, value: least(({ bindMs }) => bindMs), unit: 'ms' },
      { what: `${what}, deleted, warm`, value: least(({ deleteMs }) => deleteMs), unit: 'ms' },
    ];
  } finally {
    await cluster.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

/** Milliseconds of processor time a pair. */
async function costOf({ client, clock, informers }: Cluster, namespace: string) {
  const claims = informers.of(persistentVolumeClaims);
  const volumes = informers.of(persistentVolumes);
  await Promise.all([claims.synced, volumes.synced]);
  await client.create(namespaces, { metadata: { name: namespace } });
  const bound = new Set<string>();
  const stop = claims.on({
    updated: ({ metadata, status }) => void (status?.phase === 'Bound' && bound.add(metadata.name)),
  });
  const until = (what: string, look: () => boolean) =>
    waitUntil([claims as never, volumes as never], look, { clock, limitMs: LIMIT_MS, what });
  // As a user's tool: its objects are tracked.
  const by = { fieldManager: 'bench' };
  const spec = { storageClassName: 'by-hand', accessModes: ['ReadWriteOnce'] };
  let next = 0;
  const some = async () => {
    while (next < PAIRS) {
      const name = `static-${next++}`;
      const volume = {
        ...spec,
        capacity: { storage: '16Mi' },
        persistentVolumeReclaimPolicy: 'Retain',
        hostPath: { path: '/nonexistent' },
      };
      await client.create(persistentVolumes, { metadata: { name }, spec: volume }, by);
      const claim = { ...spec, resources: { requests: { storage: '16Mi' } } };
      await client.create(persistentVolumeClaims, { metadata: { name, namespace }, spec: claim }, by);
    }
  };
  const bindMs = await spentBy(() =>
    Promise.all([
      ...Array.from({ length: AT_ONCE }, some),
      until('claims to be Bound', () => bound.size === PAIRS),
    ]),
  );
  stop();
  const deleteMs = await spentBy(async () => {
    await client.deleteCollection(persistentVolumeClaims, { namespace });
    await client.deleteCollection(persistentVolumes, {});
    await until('everything to be gone', () => claims.size === 0 && volumes.size === 0);
  });
  return { bindMs, deleteMs };
}

async function spentBy(work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000 / PAIRS;
}
