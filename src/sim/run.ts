import { createLogger, errorMessage, systemClock } from '../base/index.ts';
import type { JournalLine } from './journal.ts';
import { type Command, parseCommand, replayCommand, USAGE } from './options.ts';
import { shrink } from './shrink.ts';
import { type Outcome, simulate, UnknownStep } from './simulate.ts';

const PROGRESS_MS = 10_000;
const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

/** The command `npm run sim`. Resolves with the exit code. */
async function main(args: readonly string[]): Promise<number> {
  if (args.includes('--help')) {
    print(USAGE);
    return 0;
  }
  let command: Command;
  try {
    command = parseCommand(args);
  } catch (error) {
    print(`${errorMessage(error)}\n\n${USAGE}`);
    return 2;
  }
  switch (command.kind) {
    case 'one':
      return one(command);
    case 'shrink':
      return shrinkOne(command);
    case 'many':
      return many(command);
  }
}

async function one({ scenario, quiet, log }: Extract<Command, { kind: 'one' }>): Promise<number> {
  const outcome = await simulate(scenario, {
    onLine: quiet ? undefined : (line) => print(lineText(line)),
    log: log
      ? createLogger({ level: 'info', now: () => 0, sink: (line) => print(`${' '.repeat(12)}log ${line}`) })
      : undefined,
  });
  print(summary(outcome));
  return outcome.violation ? 1 : 0;
}

async function shrinkOne({ scenario }: Extract<Command, { kind: 'shrink' }>): Promise<number> {
  const first = await simulate(scenario);
  if (!first.violation) {
    print(`seed ${scenario.seed} breaks no rule`);
    return 0;
  }
  print(`${first.violation.rule}: ${extent(first)}`);
  const smallest = await shrink(first, { onSmaller: (outcome) => print(`still fails: ${extent(outcome)}`) });
  print(`\n${summary(smallest)}`);
  return 1;
}

async function many({ first, count, minutes, size }: Extract<Command, { kind: 'many' }>): Promise<number> {
  const began = systemClock.monotonic();
  const endsMs = minutes === undefined ? Number.POSITIVE_INFINITY : began + minutes * MINUTE_MS;
  let virtualMs = 0;
  let faults = 0;
  let failed = 0;
  let done = 0;
  let told = began;
  // Of all threads: the compiler's and the collector's too.
  const beganCpu = process.cpuUsage();
  const report = () => {
    const wallMs = systemClock.monotonic() - began;
    const cpu = process.cpuUsage(beganCpu);
    const cpuMs = (cpu.user + cpu.system) / 1000;
    return (
      `${done} seeds in ${(wallMs / 1000).toFixed(1)} s, ${((done / wallMs) * 1000).toFixed(1)} seeds/s, ` +
      `${((done / cpuMs) * 1000).toFixed(1)} a CPU-second; ` +
      `${(virtualMs / HOUR_MS / (wallMs / MINUTE_MS)).toFixed(1)} virtual hours a minute; ` +
      `${(faults / Math.max(1, done)).toFixed(1)} faults a seed; ${failed} failed`
    );
  };
  for (let seed = first; (count === undefined || done < count) && systemClock.monotonic() < endsMs; seed++) {
    const outcome = await simulate({ seed, size });
    done++;
    virtualMs += outcome.virtualMs;
    faults += outcome.faults.length;
    if (outcome.violation) {
      failed++;
      print(summary(outcome));
    }
    if (systemClock.monotonic() - told > PROGRESS_MS) {
      told = systemClock.monotonic();
      print(report());
    }
  }
  print(report());
  return failed > 0 ? 1 : 0;
}

function extent({ steps, faults }: Outcome): string {
  return `${steps.length} steps, ${faults.length} faults`;
}

function summary(outcome: Outcome): string {
  const { scenario, violation, hash, virtualMs } = outcome;
  const time = `${(virtualMs / 1000).toFixed(1)} virtual seconds, ${extent(outcome)}, hash ${hash}`;
  if (!violation) return `seed ${scenario.seed}: all is well; ${time}`;
  return `seed ${scenario.seed} breaks "${violation.rule}": ${violation.detail}\n  ${time}\n  ${replayCommand(scenario)}`;
}

function lineText({ atMs, who, what }: JournalLine): string {
  return `${(atMs / 1000).toFixed(3).padStart(11)}  ${who.padEnd(18)} ${what}`;
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

// Whoever reads the trace has read enough: `| head`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof UnknownStep)) throw error;
  print(error.message);
  process.exitCode = 2;
}
