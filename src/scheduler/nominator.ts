import type { PodInfo } from './pod-info.ts';

/**
 * Pods that a node has been promised to: room was made there for them by preemption, or is kept while their volumes are
 * bound. What the API says counts once it says anything; until then what was decided here holds.
 */
export class Nominator {
  readonly #nodeOf = new Map<string, string>();
  readonly #byNode = new Map<string, Map<string, PodInfo>>();

  /** A pod that waits, as it is now. `nodeName`: what has just been decided; '' takes the promise back. */
  set(pod: PodInfo, nodeName: string = pod.pod.status?.nominatedNodeName ?? ''): void {
    this.delete(pod.uid);
    if (nodeName === '') return;
    this.#nodeOf.set(pod.uid, nodeName);
    const pods = this.#byNode.get(nodeName);
    if (pods) pods.set(pod.uid, pod);
    else this.#byNode.set(nodeName, new Map([[pod.uid, pod]]));
  }

  /** An update that says nothing of a nomination, before or after, leaves the one that is not written yet. */
  update(pod: PodInfo, before: string | undefined): void {
    const said = before || pod.pod.status?.nominatedNodeName;
    this.set(pod, said ? undefined : this.#nodeOf.get(pod.uid));
  }

  delete(uid: string): void {
    const nodeName = this.#nodeOf.get(uid);
    if (nodeName === undefined) return;
    this.#nodeOf.delete(uid);
    const pods = this.#byNode.get(nodeName);
    pods?.delete(uid);
    if (pods?.size === 0) this.#byNode.delete(nodeName);
  }

  on(nodeName: string): Iterable<PodInfo> {
    return this.#byNode.get(nodeName)?.values() ?? [];
  }

  isAny(nodeName: string): boolean {
    return this.#byNode.size > 0 && this.#byNode.has(nodeName);
  }
}
