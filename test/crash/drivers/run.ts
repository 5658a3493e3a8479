// `npm run crash:drivers -- --kills 200 [--seed 7] [--driver disk|nas|oss]`: the crash test of the drivers, for as long as one likes.
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { seededRandom, systemRandom } from '../../../src/base/index.ts';
import { cannotMountWith } from '../../../src/drivers/oss/test-support.ts';
import { scrub } from '../../support/scrub.ts';
import { crashDriver } from './crash.ts';
import { DRIVER_KINDS, type DriverKind } from './open-storage.ts';

const USAGE =
  'usage: npm run crash:drivers -- [--kills N] [--seed N] [--driver disk|nas|oss]; N is a whole number above 0\n';

async function main(): Promise<number> {
  const { kills, seed, kinds } = parse();
  if (!isPositive(kills) || !isPositive(seed) || kinds.length === 0) {
    process.stderr.write(USAGE);
    return 2;
  }
  if (process.getuid?.() !== 0) {
    process.stderr.write('npm run crash:drivers: needs root, for loop devices and mounts\n');
    return 2;
  }
  process.stdout.write(`seed ${seed}\n`);
  for (const kind of kinds) {
    const missing = kind === 'oss' && cannotMountWith('s3fs');
    if (missing) {
      process.stdout.write(`oss: left out: ${missing}\n`);
      continue;
    }
    const directory = await mkdtemp(join(tmpdir(), 'stowage-crash-'));
    try {
      await crashDriver(kind, directory, { kills, random: seededRandom(seed) }, (report) => {
        if (report.kills % 10 !== 0 && report.kills !== kills) return;
        const { answers, unanswered } = report;
        process.stdout.write(
          `${kind}: ${report.kills} kills, ${answers} answered calls, ${unanswered} cut short: nothing lost, nothing left\n`,
        );
      });
    } finally {
      await scrub(directory);
    }
  }
  return 0;
}

function isPositive(value: number): boolean {
  return Number.isSafeInteger(value) && value > 0;
}

function parse(): { kills: number; seed: number; kinds: readonly DriverKind[] } {
  try {
    const text = { type: 'string' } as const;
    const { values } = parseArgs({ options: { kills: text, seed: text, driver: text } });
    return {
      kills: Number(values.kills ?? 200),
      seed: Number(values.seed ?? 1 + Math.floor(systemRandom.next() * 1e9)),
      kinds: DRIVER_KINDS.filter((kind) => values.driver === undefined || values.driver === kind),
    };
  } catch {
    return { kills: Number.NaN, seed: Number.NaN, kinds: [] };
  }
}

process.exitCode = await main();
