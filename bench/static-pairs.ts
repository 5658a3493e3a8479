import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { up } from '../test/support/command.ts';
import type { Figure } from './figure.ts';
import { AS_NPX, processorSeconds, residentMegabytes } from './process.ts';

const ROUNDS = [
  { pairs: 2_000, bindBudgetMs: 1_000, deleteBudgetMs: 2_000, residentBudget: 250 },
  { pairs: 10_000, bindBudgetMs: 3_000, deleteBudgetMs: undefined, residentBudget: undefined },
];

/**
 * Volumes made by hand and claims on them over HTTPS, the client in this process, the server in its own: until all are
 * Bound, their creation included, and until all are gone again.
 */
export async function staticPairs(): Promise<Figure[]> {
  const directory = await mkdtemp(join(tmpdir(), 'stowage-bench-'));
  const stack = await up(directory, ['--nodes', '0'], AS_NPX);
  try {
    const figures: Figure[] = [];
    for (const { pairs, bindBudgetMs, deleteBudgetMs, residentBudget } of ROUNDS) {
      const before = await processorSeconds(stack.child.pid!);
      const worker = new Worker(fileURLToPath(new URL('./static-pairs-client.ts', import.meta.url)), {
        workerData: { kubeconfig: stack.kubeconfig, pairs },
      });
      const [{ bindMs, deleteMs }] = (await once(worker, 'message')) as [
        { bindMs: number; deleteMs: number },
      ];
      const spent = (await processorSeconds(stack.child.pid!)) - before;
      const resident = await residentMegabytes(stack.child.pid!);
      const what = `${pairs} PVs with ${pairs} claims, static`;
      figures.push(
        { what: `${what}, all Bound`, value: bindMs, unit: 'ms', budget: bindBudgetMs },
        { what: 'the same deleted, all gone', value: deleteMs, unit: 'ms', budget: deleteBudgetMs },
        { what: 'processor time of the server for both, a pair', value: (spent / pairs) * 1_000, unit: 'ms' },
        { what: 'resident after that', value: resident, unit: 'MB', budget: residentBudget },
      );
    }
    return figures;
  } finally {
    await stack.end('SIGTERM');
    await rm(directory, { recursive: true, force: true });
  }
}
