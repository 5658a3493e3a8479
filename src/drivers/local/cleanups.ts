/** How far the wiping of a volume is. Source: CleanupState. */
export type CleanupState = 'not found' | 'running' | 'failed' | 'succeeded';

export interface Cleanup {
  readonly state: CleanupState;
  /** Milliseconds since the epoch. */
  readonly startedAtMs?: number;
}

/** What is known of the wiping of volumes, by their names: of processes here, or of Jobs in the cluster. */
export interface Cleanups {
  of(volume: string): Cleanup;
  /** Forgets one that has ended. */
  forget(volume: string): Promise<void>;
}

interface Entry extends Cleanup {
  readonly state: 'running' | 'failed' | 'succeeded';
  readonly startedAtMs: number;
  readonly endedAtMs?: number;
  /** How many times in a row it has failed. */
  readonly failures: number;
}

/** A wiping that has failed, and how often in a row. */
export interface Failure {
  readonly failures: number;
  readonly agoMs: number;
}

export interface CleanupCounts {
  readonly running: number;
  readonly succeeded: number;
  readonly failed: number;
}

/** The wiping that is done by this process. Nothing of it outlives the process: a volume that is still Released is wiped anew. */
export class CleanupProcesses implements Cleanups {
  readonly #now: () => number;
  readonly #entries = new Map<string, Entry>();
  readonly #work = new Set<Promise<void>>();
  #succeeded = 0;
  #failed = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  of(volume: string): Cleanup {
    return this.#entries.get(volume) ?? { state: 'not found' };
  }

  /** Of a volume whose last wiping has failed. */
  failureOf(volume: string): Failure | undefined {
    const entry = this.#entries.get(volume);
    if (entry?.state !== 'failed') return undefined;
    return { failures: entry.failures, agoMs: this.#now() - entry.endedAtMs! };
  }

  async forget(volume: string): Promise<void> {
    if (this.#entries.get(volume)?.state !== 'running') this.#entries.delete(volume);
  }

  /** Begins, and tells the outcome when it is over. One at a time a volume. */
  start(volume: string, work: () => Promise<void>, over: (error?: unknown) => void): void {
    if (this.#entries.get(volume)?.state === 'running')
      throw new Error(`Failed to mark running of ${JSON.stringify(volume)} as it is already running`);
    const startedAtMs = this.#now();
    const failures = this.failureOf(volume)?.failures ?? 0;
    this.#entries.set(volume, { state: 'running', startedAtMs, failures });
    const end = (state: 'failed' | 'succeeded', error?: unknown) => {
      const isFailure = state === 'failed';
      if (isFailure) this.#failed++;
      else this.#succeeded++;
      const endedAtMs = this.#now();
      this.#entries.set(volume, { state, startedAtMs, endedAtMs, failures: failures + (isFailure ? 1 : 0) });
      over(error);
    };
    const done: Promise<void> = work()
      .then(
        () => end('succeeded'),
        (error: unknown) => end('failed', error ?? new Error('failed')),
      )
      .finally(() => this.#work.delete(done));
    this.#work.add(done);
  }

  /** Resolves when nothing is being wiped any more. */
  async settled(): Promise<void> {
    while (this.#work.size > 0) await Promise.all(this.#work);
  }

  counts(): CleanupCounts {
    const running = [...this.#entries.values()].filter(({ state }) => state === 'running').length;
    return { running, succeeded: this.#succeeded, failed: this.#failed };
  }
}
