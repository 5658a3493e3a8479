import { type BackoffPolicy, backoffDelay, type Clock, sleep } from '../base/index.ts';
import type { CsiClient } from './client.ts';
import { Code } from './codes.ts';
import { CsiError } from './error.ts';

/** How long a driver may take over one probe. */
const PROBE_TIMEOUT_MS = 1000;
const BETWEEN_PROBES: BackoffPolicy = { initialMs: 20, maxMs: 1000 };

/** Answers that mean: ask again later. */
const NOT_YET: ReadonlySet<Code> = new Set([Code.UNAVAILABLE, Code.DEADLINE_EXCEEDED]);

/**
 * Probes a driver until it is there and ready.
 * @throws CsiError if it answers a probe with another error than UNAVAILABLE or DEADLINE_EXCEEDED; the reason of
 * `signal` if that aborts.
 * Source: ProbeForever of csi-lib-utils, which asks once a second.
 */
export async function waitForDriver(
  client: CsiClient,
  options: { clock: Clock; signal?: AbortSignal | undefined },
): Promise<void> {
  const { clock, signal } = options;
  for (let probes = 1; ; probes++) {
    signal?.throwIfAborted();
    if (await probe(client, signal)) return;
    await sleep(clock, backoffDelay(BETWEEN_PROBES, Math.min(probes, 10)), signal);
  }
}

async function probe(client: CsiClient, signal: AbortSignal | undefined): Promise<boolean> {
  try {
    const { ready } = await client.identity.probe(
      {},
      { timeoutMs: PROBE_TIMEOUT_MS, waitForReady: true, signal },
    );
    return ready ?? true; // absent means ready
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof CsiError && NOT_YET.has(error.code)) return false;
    throw error;
  }
}
