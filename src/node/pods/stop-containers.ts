import { aborted, type Clock, TimeoutError, withDeadline } from '../../base/index.ts';

/** A container never has less than this between SIGTERM and SIGKILL, whatever was asked (minimumGracePeriodInSeconds). */
const MINIMUM_GRACE_SECONDS = 2;

/** A container that is to end. */
export interface Stopping {
  readonly name: string;
  /** Its preStop hook; never rejects. */
  readonly preStop?: () => Promise<void>;
  /** SIGTERM, after so many seconds SIGKILL. */
  readonly stop: (graceSeconds: number) => Promise<unknown>;
}

/**
 * Ends containers, all at once but for those that wait for others by `order`. Hooks and waiting count against the grace.
 * When the signal aborts nobody waits for hooks or others any more. Rules: kubelet, killContainer.
 */
export async function stopContainers(
  clock: Clock,
  stoppings: readonly Stopping[],
  graceSeconds: number,
  order: ReadonlyMap<string, readonly string[]>,
  signal: AbortSignal,
): Promise<void> {
  const ends = new Map(stoppings.map(({ name }) => [name, Promise.withResolvers<void>()]));
  await Promise.all(
    stoppings.map(async ({ name, preStop, stop }) => {
      const startedMs = clock.monotonic();
      const leftSeconds = () => graceSeconds - Math.floor((clock.monotonic() - startedMs) / 1000);
      const wait = async (work: () => Promise<unknown>) => {
        const limitMs = leftSeconds() * 1000;
        if (limitMs <= 0 || signal.aborted) return;
        const done = Promise.race([work(), aborted(signal)]);
        await withDeadline(clock, limitMs, `turn of ${name}`, done).catch((error) => {
          if (!(error instanceof TimeoutError)) throw error;
        });
      };
      try {
        if (preStop) await wait(preStop);
        await wait(() => Promise.all((order.get(name) ?? []).map((other) => ends.get(other)?.promise)));
        await stop(Math.max(leftSeconds(), MINIMUM_GRACE_SECONDS));
      } finally {
        ends.get(name)!.resolve();
      }
    }),
  );
}
