// `npm run crash -- --kills 500 [--seed 7]`: the crash test for as long as one likes.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { seededRandom, systemRandom } from '../../src/base/index.ts';
import { crash } from './crash.ts';

const USAGE = 'usage: npm run crash -- [--kills N] [--seed N]; N is a whole number above 0\n';

async function main(): Promise<number> {
  const { kills, seed } = parse();
  if (!Number.isSafeInteger(kills) || kills < 1 || !Number.isSafeInteger(seed) || seed < 1) {
    process.stderr.write(USAGE);
    return 2;
  }
  const directory = await mkdtemp(join(tmpdir(), 'stowage-crash-'));
  process.stdout.write(`seed ${seed}\n`);
  try {
    await crash(directory, kills, seededRandom(seed), (kill, report) => {
      if (kill % 10 === 0 || kill === kills)
        process.stdout.write(
          `${kill} kills, ${report.writes} acknowledged writes, ${report.resumes} watches resumed, ${report.lists} lists: nothing lost\n`,
        );
    });
    return 0;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function parse(): { kills: number; seed: number } {
  try {
    const { values } = parseArgs({ options: { kills: { type: 'string' }, seed: { type: 'string' } } });
    return {
      kills: Number(values.kills ?? 500),
      seed: Number(values.seed ?? 1 + Math.floor(systemRandom.next() * 1e9)),
    };
  } catch {
    return { kills: Number.NaN, seed: Number.NaN };
  }
}

process.exitCode = await main();
