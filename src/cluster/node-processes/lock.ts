import type { Host } from '../../host/index.ts';

/** flock(1) is told to say so when somebody else has the lock: the node runs already. */
export const RUNS_ALREADY = 75;

/** Before a command, and the file whose lock it is to have as long as it runs; what cannot have it ends with RUNS_ALREADY. */
export const LOCKING = [
  'flock',
  '--no-fork',
  '--nonblock',
  '--conflict-exit-code',
  String(RUNS_ALREADY),
] as const;

/** Whether somebody has the lock of a file, still after so many seconds. */
export async function isLocked({ processes }: Host, file: string, seconds = 0): Promise<boolean> {
  const how = ['--timeout', String(seconds), '--conflict-exit-code', String(RUNS_ALREADY)];
  return (await processes.exec('flock', [...how, file, 'true'])).exitCode === RUNS_ALREADY;
}
