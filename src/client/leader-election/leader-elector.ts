import { aborted, type Clock, errorMessage, type Logger, type Random, sleep } from '../../base/index.ts';
import type { Client, ObjectName } from '../client.ts';
import type { EventRecorder } from '../recorder.ts';
import { LeaseLock } from './lease-lock.ts';
import { CORE_TIMING, JITTER_FACTOR, type LeaseTiming, timingProblem } from './timing.ts';

export interface LeaderElectorOptions extends Partial<LeaseTiming> {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly recorder?: EventRecorder;
  readonly lease: Required<ObjectName>;
  /** Who asks; no two candidates may have the same. */
  readonly identity: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** Gives the lease back when the signal aborts, after the work has ended. @default false */
  readonly releaseOnCancel?: boolean;
}

/** The lease was lost: whoever led must end at once, for another may lead already. */
export class LeadershipLostError extends Error {
  override readonly name = 'LeadershipLostError';
}

/**
 * Leader election as client-go's (tools/leaderelection): of all candidates for a Lease one works at a time. No fence: what
 * a leader has sent may land after it has lost the lease.
 */
export class LeaderElector {
  readonly #options: LeaderElectorOptions;
  readonly #timing: LeaseTiming;
  readonly #lock: LeaseLock;
  #reported: string | undefined;
  #renewedAtMs = 0;

  /** @throws RangeError when the durations do not fit together. */
  constructor(options: LeaderElectorOptions) {
    this.#options = options;
    this.#timing = { ...CORE_TIMING, ...definedTiming(options) };
    const problem = timingProblem(this.#timing);
    if (problem) throw new RangeError(problem);
    this.#lock = new LeaseLock({ ...options, leaseDurationMs: this.#timing.leaseDurationMs });
  }

  get isLeader(): boolean {
    return this.#lock.isHeld;
  }

  /** How long the leader has not renewed its lease, ms; 0 for who does not lead. For health checks. */
  get staleMs(): number {
    return this.isLeader ? this.#options.clock.monotonic() - this.#renewedAtMs : 0;
  }

  /**
   * Waits for the lease, then calls `lead` with a signal that aborts when the lease is lost or `signal` aborts. Resolves
   * when `signal` has aborted and the work has ended, or when the work ends by itself; rejects with what the work rejects
   * with.
   * @throws LeadershipLostError at once when the lease is lost: the work may still be ending.
   */
  async run(lead: (signal: AbortSignal) => Promise<void>, signal: AbortSignal): Promise<void> {
    if (!(await this.#acquire(signal))) return;
    const over = new AbortController();
    const stop = AbortSignal.any([signal, over.signal]);
    const work = lead(stop);
    const renewal = this.#renew(stop);
    try {
      await Promise.race([work, renewal]);
      // Aborted, or the work ended: what it still does is done under the lease.
      await work;
    } finally {
      over.abort();
      // Who lost it has nobody left to wait for.
      work.catch(() => undefined);
      this.#tell('stopped leading');
    }
    if (this.#options.releaseOnCancel) await this.#release();
  }

  /** Resolves to whether the lease is ours; it is not when the signal aborted. */
  async #acquire(signal: AbortSignal): Promise<boolean> {
    const { clock, random, log } = this.#options;
    const lease = this.#describe();
    log.info('attempting to acquire the leader lease', { lease });
    while (!signal.aborted) {
      if (await this.#try(signal)) {
        log.info('acquired the leader lease', { lease });
        this.#tell('became leader');
        return true;
      }
      const { retryPeriodMs } = this.#timing;
      await sleep(clock, retryPeriodMs * (1 + random.next() * JITTER_FACTOR), signal).catch(() => undefined);
    }
    return false;
  }

  /** Resolves when the signal aborts. @throws LeadershipLostError */
  async #renew(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    while (!signal.aborted) {
      await sleep(clock, this.#timing.retryPeriodMs, signal).catch(() => undefined);
      if (signal.aborted) return;
      if (!(await this.#renewWithinDeadline(signal)) && !signal.aborted) {
        this.#options.log.warn('failed to renew the leader lease', { lease: this.#describe() });
        throw new LeadershipLostError(`leader election lost: ${this.#describe()}`);
      }
    }
  }

  async #renewWithinDeadline(signal: AbortSignal): Promise<boolean> {
    const { clock } = this.#options;
    const { renewDeadlineMs, retryPeriodMs } = this.#timing;
    const deadline = new AbortController();
    const timer = clock.after(renewDeadlineMs, () => deadline.abort());
    const either = AbortSignal.any([signal, deadline.signal]);
    try {
      while (!either.aborted) {
        // A request that the server never answers must not outlast the deadline.
        if (await Promise.race([this.#try(either), aborted(either).then(() => false)])) return true;
        await sleep(clock, retryPeriodMs, either).catch(() => undefined);
      }
      return false;
    } finally {
      timer.cancel();
      // The process keeps a signal that somebody listens to until it aborts: one every other second, for ever.
      deadline.abort();
    }
  }

  async #try(signal: AbortSignal): Promise<boolean> {
    try {
      const held = await this.#lock.tryAcquireOrRenew(signal);
      if (held) this.#renewedAtMs = this.#options.clock.monotonic();
      return held;
    } catch (error) {
      if (!signal.aborted)
        this.#options.log.warn('cannot get at the leader lease', {
          lease: this.#describe(),
          error: errorMessage(error),
        });
      return false;
    } finally {
      this.#reportHolder();
    }
  }

  #reportHolder(): void {
    const { holder } = this.#lock;
    if (holder === this.#reported) return;
    this.#reported = holder;
    if (holder) this.#options.log.info('new leader', { lease: this.#describe(), leader: holder });
  }

  async #release(): Promise<void> {
    const { clock, log } = this.#options;
    const limit = new AbortController();
    const timer = clock.after(this.#timing.renewDeadlineMs, () => limit.abort());
    try {
      await this.#lock.release(limit.signal);
    } catch (error) {
      log.warn('cannot release the leader lease', { lease: this.#describe(), error: errorMessage(error) });
    } finally {
      timer.cancel();
    }
  }

  #tell(what: string): void {
    const { recorder, identity } = this.#options;
    const lease = this.#lock.object;
    if (lease) recorder?.event(lease, 'Normal', 'LeaderElection', `${identity} ${what}`);
  }

  #describe(): string {
    return `${this.#options.lease.namespace}/${this.#options.lease.name}`;
  }
}

function definedTiming(options: Partial<LeaseTiming>): Partial<LeaseTiming> {
  const { leaseDurationMs, renewDeadlineMs, retryPeriodMs } = options;
  return {
    ...(leaseDurationMs !== undefined && { leaseDurationMs }),
    ...(renewDeadlineMs !== undefined && { renewDeadlineMs }),
    ...(retryPeriodMs !== undefined && { retryPeriodMs }),
  };
}
