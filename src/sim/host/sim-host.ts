import type { ExecResult, Host } from '../../host/index.ts';
import { createSimulatedHost, type Machine, systemError } from '../../host/simulated/index.ts';
import type { Dice } from '../dice.ts';
import type { Faults } from '../faults.ts';
import type { Journal } from '../journal.ts';
import type { SimProcess } from '../process.ts';

/** How a call behaves: its usual time, whether it is worth a line in the journal. */
interface CallKind {
  readonly typicalMs: number;
  readonly journal?: boolean;
}

/**
 * Calls that change something take time, so that a crash or another process can come between them. All others are done
 * at once; a process can die at each.
 */
const CALLS: Readonly<Record<string, CallKind>> = {
  'files.writeAtomic': { typicalMs: 1 },
  'files.writeWhole': { typicalMs: 1 },
  'files.write': { typicalMs: 1 },
  'files.append': { typicalMs: 0.5 },
  'files.makeDirectory': { typicalMs: 0.1 },
  'files.symlink': { typicalMs: 0.1 },
  'files.chmod': { typicalMs: 0.1 },
  'files.chown': { typicalMs: 0.1 },
  'files.removeDirectory': { typicalMs: 0.2 },
  'files.rename': { typicalMs: 0.2 },
  'files.removeFile': { typicalMs: 0.2 },
  'files.removeTree': { typicalMs: 0.5, journal: true },
  'files.allocate': { typicalMs: 0.5 },
  'files.clone': { typicalMs: 1 },
  'files.syncDirectory': { typicalMs: 1 },
  'mounts.mount': { typicalMs: 2, journal: true },
  'mounts.sync': { typicalMs: 1 },
  'mounts.freeze': { typicalMs: 1, journal: true },
  'mounts.thaw': { typicalMs: 0.1 },
  'mounts.unmount': { typicalMs: 2, journal: true },
  'loops.attach': { typicalMs: 2, journal: true },
  'loops.detach': { typicalMs: 2, journal: true },
  'disks.format': { typicalMs: 30, journal: true },
  'disks.check': { typicalMs: 3 },
  'disks.flush': { typicalMs: 1 },
};

export interface SimHostOptions {
  readonly machine: Machine;
  readonly process: SimProcess;
  readonly dice: Dice;
  readonly journal: Journal;
  readonly faults: Faults;
  now(): number;
  /** What the machine runs when it is told to; undefined: there is no such program. */
  program?(path: string, args: readonly string[]): (() => Promise<ExecResult>) | undefined;
  /** Hears of a call that is about to take effect. */
  observe(call: string, args: readonly unknown[]): void;
}

/** The machine as one process sees it. */
export function createSimHost(options: SimHostOptions): Host {
  const { machine, process, dice, journal, faults } = options;
  const group = <T extends object>(name: string, calls: T): T => {
    const gated: Record<string, unknown> = {};
    for (const [method, work] of Object.entries(calls) as [
      string,
      (...args: unknown[]) => Promise<unknown>,
    ][]) {
      const id = `${name}.${method}`;
      const kind = CALLS[id];
      if (method === 'watchDirectory') {
        gated[method] = (path: string, changed: () => void) => {
          const later = () => process.clock.after(0.1, changed);
          const stop = (work as unknown as (path: string, changed: () => void) => () => void)(path, later);
          process.onDeath(stop);
          return stop;
        };
      } else if (kind) {
        gated[method] = (...args: unknown[]) => {
          let delayMs = dice.delay(kind.typicalMs);
          if (faults.strikes('host-slow')) delayMs += faults.dice('host-slow').between(500, 60_000);
          const fails = faults.strikes('host-error');
          const { bootId } = machine;
          return process.cross(delayMs, () => {
            // The power went meanwhile, and the process with it.
            if (machine.bootId !== bootId) return new Promise<never>(() => {});
            if (fails) {
              journal.write(process.name, `${id} ${summary(args)}: EIO`);
              throw systemError('EIO', method, String(args[0]));
            }
            if (kind.journal) journal.write(process.name, `${id} ${summary(args)}`);
            options.observe(id, args);
            return work(...args);
          });
        };
      } else gated[method] = (...args: unknown[]) => process.reach(() => work(...args));
    }
    return gated as T;
  };
  const host = createSimulatedHost(machine, options.now);
  return {
    ...host,
    files: group('files', host.files),
    mounts: group('mounts', host.mounts),
    loops: group('loops', host.loops),
    disks: group('disks', host.disks),
    processes: { ...host.processes, exec: (path, args) => exec(options, path, args) },
  };
}

const EXEC_MS = 5;

/** A program that was begun is done although whoever began it has gone, but for the power. */
function exec(options: SimHostOptions, path: string, args: readonly string[]): Promise<ExecResult> {
  const { machine, process, dice, journal, faults, program } = options;
  const { bootId } = machine;
  const tell = (what: string) => journal.write(process.name, `${path} ${args.join(' ')}${what}`);
  return process.cross(dice.delay(EXEC_MS), async () => {
    if (machine.bootId !== bootId) return new Promise<never>(() => {});
    const run = program?.(path, args);
    if (!run) throw systemError('ENOENT', 'spawn', path);
    if (faults.strikes('exec-error')) {
      tell(': fails before it is done');
      return { exitCode: 1, stdout: JSON.stringify({ status: 'Failure', message: 'injected' }), stderr: '' };
    }
    const result = await run();
    if (faults.strikes('exec-lost-answer')) {
      tell(': done, but killed before it said so');
      return { exitCode: 137, stdout: '', stderr: '' };
    }
    tell(` → ${result.stdout}`);
    return result;
  });
}

function summary(args: readonly unknown[]): string {
  return args
    .map((arg) => {
      if (typeof arg !== 'object' || arg === null) return String(arg);
      const { source, target, options } = arg as { source?: string; target?: string; options?: string[] };
      return source === undefined ? '' : `${source} → ${target}${options ? ` (${options.join(',')})` : ''}`;
    })
    .filter((text) => text !== '')
    .join(' ');
}
