import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { up } from '../test/support/command.ts';
import { type Figure, median } from './figure.ts';
import { AS_NPX, residentMegabytes } from './process.ts';

const RUNS = 5;

/** From the start of the process to /readyz on a data directory that exists, and what the process then holds. */
export async function boot(): Promise<Figure[]> {
  const directory = await mkdtemp(join(tmpdir(), 'stowage-bench-'));
  try {
    const times: number[] = [];
    const resident: number[] = [];
    let first = 0;
    for (let run = 0; run <= RUNS; run++) {
      const startedAt = performance.now();
      const stack = await up(directory, [], AS_NPX);
      const took = performance.now() - startedAt;
      if (run === 0) first = took;
      else times.push(took);
      resident.push(await residentMegabytes(stack.child.pid!));
      await stack.end('SIGTERM');
    }
    return [
      { what: 'stowage up to /readyz, new data directory', value: first, unit: 'ms', budget: 500 },
      { what: 'stowage up to /readyz, again, median', value: median(times), unit: 'ms', budget: 500 },
      { what: 'resident when idle, median', value: median(resident), unit: 'MB', budget: 120 },
    ];
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
