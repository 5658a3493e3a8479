import { aborted } from '../base/index.ts';
import { LeadershipLostError } from '../client/index.ts';
import type { Running } from '../cluster/running.ts';
import { untilSignal } from './until-signal.ts';

/**
 * Keeps what `start` starts until a signal comes or a part fails. Resolves to the exit code. Whoever has lost his Lease
 * leaves at once: another works already.
 */
export async function stay(
  start: (signal: AbortSignal) => Promise<{ readonly running: Running }>,
): Promise<number> {
  const ending = untilSignal();
  try {
    return await until(ending.signal, start);
  } finally {
    ending.stop();
  }
}

async function until(
  signal: AbortSignal,
  start: (signal: AbortSignal) => Promise<{ readonly running: Running }>,
): Promise<number> {
  let running: Running;
  try {
    ({ running } = await start(signal));
  } catch (error) {
    if (signal.aborted) return 0;
    throw error;
  }
  try {
    await Promise.race([aborted(signal), running.failed]);
  } catch (error) {
    if ((error as Error).cause instanceof LeadershipLostError) process.exit(1);
    await running.stop().catch(() => undefined);
    throw error;
  }
  await running.stop();
  return 0;
}
