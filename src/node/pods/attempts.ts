import type { ContainerUser } from '../runtime/index.ts';

/** One run of a container, as the runtime knows it, or an attempt that did not come to run. */
export interface Attempt {
  /** The runtime's; empty when nothing was made. */
  readonly id: string;
  readonly attempt: number;
  readonly state: 'running' | 'exited';
  readonly startedAtMs: number;
  readonly finishedAtMs?: number;
  /** Of an exited one; undefined when nobody saw it end. */
  readonly exitCode?: number;
  /** The kernel has killed one of its processes for want of memory. */
  readonly oomKilled?: boolean;
  readonly message?: string;
  /** Absent: it ran on the host's root. */
  readonly imageId?: string;
  /** As whom it runs; absent where the runtime does not tell. */
  readonly user?: ContainerUser;
  /** The program could not be started. */
  readonly startFailed?: boolean;
}

/** Runs of one container: the last one, and the one before it, which is its lastState. */
export interface Attempts {
  readonly current?: Attempt;
  readonly previous?: Attempt;
}

export type AttemptsByName = ReadonlyMap<string, Attempts>;

/** The exit code that stands for an end that nobody saw (the kubelet's ContainerStatusUnknown). */
export const UNKNOWN_EXIT_CODE = 137;

export function exitCodeOf(attempt: Attempt): number {
  return attempt.exitCode ?? UNKNOWN_EXIT_CODE;
}
