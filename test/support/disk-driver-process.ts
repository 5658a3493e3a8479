import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { STOWAGE } from './command.ts';

/** `stowage driver KIND` as a process of its own. */
export interface DriverProcess {
  readonly child: ChildProcess;
  /** What it has logged. */
  readonly log: () => string;
  /** Ends it; resolves when it has ended. */
  end(signal: NodeJS.Signals): Promise<void>;
}

export type DiskDriverProcess = DriverProcess;

export const startDiskDriver = (flags: readonly string[]) => startDriver('disk', flags);

/** Resolves once it serves. */
export async function startDriver(kind: string, flags: readonly string[]): Promise<DriverProcess> {
  const child = spawn(process.execPath, [STOWAGE, 'driver', kind, ...flags], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    log += text;
    process.stderr.write(text);
  });
  const exit = once(child, 'exit');
  const early = exit.then(([code, signal]) => {
    throw new Error(`stowage driver ${kind} ended with ${signal ?? code} before it served`);
  });
  early.catch(() => undefined);
  await Promise.race([once(child.stdout!, 'data'), early]);
  return {
    child,
    log: () => log,
    async end(signal) {
      child.kill(signal);
      await exit;
    },
  };
}
