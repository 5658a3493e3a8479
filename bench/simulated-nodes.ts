import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { systemClock } from '../src/base/index.ts';
import { createHttpClient, loadKubeconfig } from '../src/client/http/index.ts';
import { configMaps } from '../src/kube/index.ts';
import { up } from '../test/support/command.ts';
import { type Figure, median, timed } from './figure.ts';
import { processorSeconds, residentMegabytes } from './process.ts';

const SIZES = [50, 500, 5_000];
/** Two rounds of leases and status comparisons. */
const IDLE_MS = 20_000;
const CREATES = 50;

/** What simulated nodes cost on a durable store: until all are registered, in memory, and while nothing happens. */
export async function simulatedNodes(): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const size of SIZES) figures.push(...(await measure(size)));
  return figures;
}

async function measure(nodes: number): Promise<Figure[]> {
  const directory = await mkdtemp(join(tmpdir(), 'stowage-bench-'));
  try {
    const startedAt = performance.now();
    const stack = await up(directory, ['--nodes', '0', '--simulated-nodes', String(nodes)]);
    const registered = performance.now() - startedAt;
    try {
      const pid = stack.child.pid!;
      // What the registration has set off comes to its end.
      await pause(IDLE_MS / 2);
      const before = await processorSeconds(pid);
      await pause(IDLE_MS);
      const idle = (await processorSeconds(pid)) - before;
      const latency = await createLatency(stack.kubeconfig);
      const what = `${nodes} simulated nodes`;
      return [
        { what: `${what}, start to all registered`, value: registered, unit: 'ms' },
        { what: `${what}, resident`, value: await residentMegabytes(pid), unit: 'MB' },
        { what: `${what}, processor while idle`, value: (idle / IDLE_MS) * 100_000, unit: '%' },
        { what: `${what}, one create over HTTPS, median`, value: latency, unit: 'ms' },
      ];
    } finally {
      await stack.end('SIGTERM');
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** How long somebody else waits for a write while the nodes tell that they live. */
async function createLatency(kubeconfig: string): Promise<number> {
  const connection = await loadKubeconfig(kubeconfig);
  const client = createHttpClient({ ...connection, clock: systemClock, userAgent: 'stowage-bench' });
  try {
    const times: number[] = [];
    for (let i = 0; i < CREATES; i++) {
      const object = { metadata: { name: `probe-${i}`, namespace: 'default' } };
      times.push(await timed(() => client.create(configMaps, object)));
      await pause(IDLE_MS / 4 / CREATES);
    }
    return median(times);
  } finally {
    client.close();
  }
}
