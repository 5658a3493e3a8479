import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { systemClock } from '../src/base/index.ts';
import { createHttpClient, type HttpClient, loadKubeconfig } from '../src/client/http/index.ts';
import { configMaps, pods } from '../src/kube/index.ts';
import { run, up } from '../test/support/command.ts';
import { creates } from './creates.ts';
import { type Figure, median, timed } from './figure.ts';

const GETS = 2_000;
const PODS = 10_000;
const LISTS = 7;
const WATCHERS = 1_000;
const CHANGES = 50;
const OBJECTS_LIMIT_MS = 900_000;

/** What a client of the API server waits for, and what objects cost it. */
export async function api(): Promise<Figure[]> {
  const writes = await creates();
  const directory = await mkdtemp(join(tmpdir(), 'stowage-bench-'));
  const stack = await up(directory, ['--nodes', '0']);
  const client = createHttpClient({
    ...(await loadKubeconfig(stack.kubeconfig)),
    clock: systemClock,
    userAgent: 'stowage-bench',
  });
  try {
    return [
      ...writes,
      ...(await gets(client)),
      ...(await lists(client)),
      await fanOut(client, stack.kubeconfig),
      ...(await objects()),
    ];
  } finally {
    client.close();
    await stack.end('SIGTERM');
    await rm(directory, { recursive: true, force: true });
  }
}

async function gets(client: HttpClient): Promise<Figure[]> {
  const name = { namespace: 'default', name: 'one' };
  await client.create(configMaps, { metadata: name, data: { a: 'b' } });
  const one = async (count: number) => {
    for (let index = 0; index < count; index++) await client.get(configMaps, name);
  };
  await one(500);
  const alone = await timed(() => one(GETS));
  const together = await timed(() => Promise.all(Array.from({ length: 32 }, () => one(GETS / 8))));
  return [
    { what: 'get, 1 connection', value: GETS / (alone / 1000), unit: '/s', more: true },
    { what: 'get, 32 connections', value: (GETS * 4) / (together / 1000), unit: '/s', more: true },
  ];
}

async function lists(client: HttpClient): Promise<Figure[]> {
  let next = 0;
  const create = async () => {
    while (next < PODS)
      await client.create(pods, {
        metadata: { namespace: 'default', name: `pod-${next++}`, labels: { app: 'bench' } },
        spec: {
          // Placed already, on a node that is not there: nobody touches it.
          nodeName: 'none',
          containers: [{ name: 'main', image: 'host', command: ['sleep', '1000'] }],
        },
      });
  };
  await Promise.all(Array.from({ length: 64 }, create));
  const times: number[] = [];
  for (let index = 0; index < LISTS; index++) times.push(await timed(() => client.list(pods)));
  const paged: number[] = [];
  for (let index = 0; index < LISTS; index++)
    paged.push(await timed(() => client.list(pods, { limit: 500 })));
  return [
    { what: `list of ${PODS} pods, parsed by the client, median`, value: median(times), unit: 'ms' },
    { what: 'first 500 of them, median', value: median(paged), unit: 'ms' },
  ];
}

/** From the answer to a write until each watcher, all in a thread of their own, has its event. */
async function fanOut(client: HttpClient, kubeconfig: string): Promise<Figure> {
  const worker = new Worker(fileURLToPath(new URL('./watchers.ts', import.meta.url)), {
    workerData: { kubeconfig, watchers: WATCHERS },
  });
  try {
    await once(worker, 'message');
    const times: number[] = [];
    for (let index = 0; index < CHANGES; index++) {
      const seen = once(worker, 'message');
      times.push(
        await timed(async () => {
          const metadata = { namespace: 'default', name: `fan-out-${index}` };
          await client.create(configMaps, { metadata, data: { a: 'b' } });
          await seen;
        }),
      );
    }
    const took = median(times);
    return { what: `one write seen by ${WATCHERS} watchers, all of them, median`, value: took, unit: 'ms' };
  } finally {
    await worker.terminate();
  }
}

/** In a process of its own, with room for a million objects. */
async function objects(): Promise<Figure[]> {
  const script = fileURLToPath(new URL('./objects.ts', import.meta.url));
  const flags = ['--expose-gc', '--max-old-space-size=12288', script];
  const { code, stdout, stderr } = await run(process.execPath, flags, { limitMs: OBJECTS_LIMIT_MS });
  if (code !== 0) throw new Error(`bench/objects.ts: ${stderr}`);
  return JSON.parse(stdout) as Figure[];
}
