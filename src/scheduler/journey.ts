import type { Span, Trace } from '../base/index.ts';
import { claimKeysOf, keyOf, type Pod, type Stored } from '../kube/index.ts';

const COMPONENT = 'default-scheduler';

/**
 * The step `schedule` in the journey of each claim of a pod (of the pod itself when it has none): from when the pod is
 * first seen without a node until it is bound, through all attempts.
 */
export class Journeys {
  readonly #trace: Trace;
  readonly #spans = new Map<string, readonly Span[]>();

  constructor(trace: Trace) {
    this.#trace = trace;
  }

  begin(pod: Stored<Pod>): void {
    if (this.#spans.has(pod.metadata.uid)) return;
    const claims = claimKeysOf(pod);
    const journeys = claims.length > 0 ? claims : [`pod:${keyOf(pod)}`];
    const spans = journeys.map((journey) =>
      this.#trace.begin(COMPONENT, 'schedule', journey, { pod: keyOf(pod) }),
    );
    this.#spans.set(pod.metadata.uid, spans);
  }

  bound(pod: Stored<Pod>, node: string): void {
    for (const span of this.#take(pod)) span.ok({ node });
  }

  /** The pod will not be scheduled any more. Nothing happens once it is bound. */
  gone(pod: Stored<Pod>): void {
    for (const span of this.#take(pod)) span.fail('the pod was deleted before it was scheduled');
  }

  #take(pod: Stored<Pod>): readonly Span[] {
    const spans = this.#spans.get(pod.metadata.uid) ?? [];
    this.#spans.delete(pod.metadata.uid);
    return spans;
  }
}
