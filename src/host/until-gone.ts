import { type Clock, sleep, TimeoutError } from '../base/index.ts';
import type { Processes, ProcessId } from './host.ts';

const LOOK_EVERY_MS = 5;
/** How long a killed process may take to be gone. */
const LIMIT_MS = 30_000;

/**
 * Resolves once a process that was killed is gone: for a moment it still has its number and what it holds.
 * @throws TimeoutError when it does not go.
 */
export async function untilGone(
  processes: Pick<Processes, 'isAlive'>,
  clock: Clock,
  id: ProcessId,
): Promise<void> {
  const since = clock.monotonic();
  while (await processes.isAlive(id)) {
    if (clock.monotonic() - since > LIMIT_MS) throw new TimeoutError(`end of process ${id.pid}`, LIMIT_MS);
    await sleep(clock, LOOK_EVERY_MS);
  }
}
