import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { up } from '../test/support/command.ts';
import type { Figure } from './figure.ts';

const CONNECTIONS = 32;
const OBJECTS = 10_000;

/** Durable creates over HTTPS: the client in this process, the server in its own, both on the same machine. */
export async function creates(): Promise<Figure[]> {
  const directory = await mkdtemp(join(tmpdir(), 'stowage-bench-'));
  const stack = await up(directory, ['--nodes', '0']);
  try {
    const worker = new Worker(fileURLToPath(new URL('./creates-client.ts', import.meta.url)), {
      workerData: { kubeconfig: stack.kubeconfig, connections: CONNECTIONS, objects: OBJECTS },
    });
    const [durationMs] = (await once(worker, 'message')) as [number];
    return [
      {
        what: `durable creates over HTTPS, ${CONNECTIONS} connections`,
        value: OBJECTS / (durationMs / 1000),
        unit: '/s',
        budget: 5_000,
        more: true,
      },
    ];
  } finally {
    await stack.end('SIGTERM');
    await rm(directory, { recursive: true, force: true });
  }
}
