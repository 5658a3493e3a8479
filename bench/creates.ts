import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { up } from '../test/support/command.ts';
import type { Figure } from './figure.ts';

/** How many creates are measured over how many connections: few take a while where each waits for the disk alone. */
const ROUNDS = [
  { connections: 1, objects: 2_000 },
  { connections: 32, objects: 10_000 },
  { connections: 256, objects: 10_000 },
] as const;

/** Durable creates over HTTPS: the client in this process, the server in its own, both on the same machine. */
export async function creates(): Promise<Figure[]> {
  const directory = await mkdtemp(join(tmpdir(), 'stowage-bench-'));
  const stack = await up(directory, ['--nodes', '0']);
  try {
    const figures: Figure[] = [];
    for (const { connections, objects } of ROUNDS) {
      const durationMs = await createBy(stack.kubeconfig, connections, objects);
      figures.push({
        what: `durable creates over HTTPS, ${connections} connections`,
        value: objects / (durationMs / 1000),
        unit: '/s',
        budget: connections === 32 ? 5_000 : undefined,
        more: true,
      });
    }
    return figures;
  } finally {
    await stack.end('SIGTERM');
    await rm(directory, { recursive: true, force: true });
  }
}

async function createBy(kubeconfig: string, connections: number, objects: number): Promise<number> {
  const worker = new Worker(fileURLToPath(new URL('./creates-client.ts', import.meta.url)), {
    workerData: { kubeconfig, connections, objects, prefix: `by-${connections}` },
  });
  const [durationMs] = (await once(worker, 'message')) as [number];
  return durationMs;
}
