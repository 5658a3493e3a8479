import type { Violation } from './violation.ts';

/** Far more than the little that the workloads ask for. */
const MAX_REQUESTS_A_SECOND = 300;

/** Counts what each process sends. One that fails and tries again must take its time. */
export class RequestRate {
  /** Within the present second. */
  readonly #sent = new Map<string, { second: number; count: number }>();

  violation(process: string, nowMs: number): Violation | undefined {
    const second = Math.floor(nowMs / 1000);
    const known = this.#sent.get(process);
    if (known?.second !== second) this.#sent.set(process, { second, count: 1 });
    else if (++known.count === MAX_REQUESTS_A_SECOND)
      return { rule: 'nobody works in vain', detail: `${process} sent ${known.count} requests in a second` };
    return undefined;
  }
}
