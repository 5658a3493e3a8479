import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { STOWAGE } from './command.ts';

/** `stowage driver disk` as a process of its own. */
export interface DiskDriverProcess {
  readonly child: ChildProcess;
  /** Ends it; resolves when it has ended. */
  end(signal: NodeJS.Signals): Promise<void>;
}

/** Resolves once it serves. */
export async function startDiskDriver(flags: readonly string[]): Promise<DiskDriverProcess> {
  const child = spawn(process.execPath, [STOWAGE, 'driver', 'disk', ...flags], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exit = once(child, 'exit');
  const early = exit.then(([code, signal]) => {
    throw new Error(`stowage driver disk ended with ${signal ?? code} before it served`);
  });
  early.catch(() => undefined);
  await Promise.race([once(child.stdout!, 'data'), early]);
  return {
    child,
    async end(signal) {
      child.kill(signal);
      await exit;
    },
  };
}
