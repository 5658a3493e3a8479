import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sleep } from '../src/base/index.ts';
import { waitUntil } from '../src/client/index.ts';
import { type Cluster, startCluster } from '../src/cluster.ts';
import { persistentVolumeClaims, pods, storageClasses } from '../src/kube/index.ts';
import { type Figure, timed } from './figure.ts';
import { bareShell } from './pod.ts';

const PODS = 100;
/** How long nothing is done, to see what that costs: what is done once a minute is in it. */
const IDLE_MS = 60_000;
const LIMIT_MS = 300_000;
/** How many times the bare work is done, for its mean. */
const FLOOR_RUNS = 10;

/** Many pods on one node, each with a disk of its own: until all run, while nothing happens, and until all are stopped. */
export async function node(count = PODS): Promise<Figure[]> {
  const directory = await mkdtemp(join(tmpdir(), 'stowage-bench-'));
  const cluster = await startCluster({ dataDir: directory, logLevel: 'error' });
  try {
    await cluster.client.create(storageClasses, {
      metadata: { name: 'first-consumer' },
      provisioner: 'disk.csi.stowage.dev',
      volumeBindingMode: 'WaitForFirstConsumer',
    });
    const empty = await idleShare(cluster);
    let bare = 0;
    for (let run = 0; run < FLOOR_RUNS; run++) bare += (await bareShell(directory)) / FLOOR_RUNS;
    const before = process.cpuUsage();
    const started = await timed(() => startPods(cluster, count));
    const processor = busyMs(before);
    const idle = await idleShare(cluster);
    const stopped = await timed(() => cluster.stop());
    return [
      {
        what: `${count} claims + pods on one node, all running`,
        value: started / 1000,
        unit: 's',
        beside: { what: `bare shell, ${count} one after another`, value: (bare * count) / 1000 },
      },
      {
        // Without that of the tools, which is the bare shell's; it does not depend on who else uses the machine.
        what: `processor time of that in our process, for each of ${count}`,
        value: processor / count,
        unit: 'ms',
      },
      // Besides its disk each pod has a projected volume, with its token.
      { what: `the whole process idle, ${2 * count} mounted volumes`, value: idle * 100, unit: '%' },
      {
        what: 'of that what the process does not take without them: volume manager, pods, node',
        value: (idle - empty) * 100,
        unit: '%',
        budget: 1,
      },
      { what: `stop with ${count} pods, everything unmounted`, value: stopped / 1000, unit: 's' },
    ];
  } finally {
    await cluster.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

async function startPods({ client, clock, informers }: Cluster, count: number): Promise<void> {
  const informer = informers.of(pods);
  const running = () =>
    [...informer.values()].filter(({ status }) => status?.containerStatuses?.[0]?.state?.running).length;
  const all = waitUntil([informer as never], () => running() === count, {
    clock,
    limitMs: LIMIT_MS,
    what: `${count} pods to run`,
  });
  await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const metadata = { name: `pod-${index}`, namespace: 'default' };
      await client.create(persistentVolumeClaims, {
        metadata,
        spec: {
          storageClassName: 'first-consumer',
          accessModes: ['ReadWriteOnce'],
          resources: { requests: { storage: '64M' } },
        },
      });
      await client.create(pods, {
        metadata,
        spec: {
          containers: [
            {
              name: 'main',
              image: 'host',
              command: ['sleep', '1000'],
              volumeMounts: [{ name: 'data', mountPath: '/data' }],
            },
          ],
          volumes: [{ name: 'data', persistentVolumeClaim: { claimName: metadata.name } }],
        },
      });
    }),
  );
  await all;
}

/** What part of a processor's time this process takes while nobody asks it anything. */
async function idleShare({ clock }: Cluster): Promise<number> {
  const before = process.cpuUsage();
  const startedAt = clock.monotonic();
  await sleep(clock, IDLE_MS);
  return busyMs(before) / (clock.monotonic() - startedAt);
}

/** How long this process has kept a processor busy since. */
function busyMs(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
