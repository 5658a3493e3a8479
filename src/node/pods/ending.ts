/** How a pod's containers come to their end. */
export interface Ending {
  readonly graceSeconds: number;
  /** The API object is gone, or only this node stops: its status is not written, it is not deleted. */
  readonly silent: boolean;
}

/** Of two wishes for a pod's end the sooner one counts, and what is silent stays so. */
export function soonerEnding(before: Ending | undefined, now: Ending): Ending {
  if (!before) return now;
  return {
    graceSeconds: Math.min(before.graceSeconds, now.graceSeconds),
    silent: before.silent || now.silent,
  };
}
