import type { NodeInfo } from './node-info.ts';
import type { Rejection } from './status.ts';
import { unresolvable } from './status.ts';

const NOT_TRIED: Rejection = unresolvable();

/** Why each node was turned down; `absent` holds for those that were not looked at one by one. */
export class NodeStatuses {
  readonly #explicit = new Map<string, Rejection>();
  absent: Rejection = NOT_TRIED;

  get size(): number {
    return this.#explicit.size;
  }

  set(nodeName: string, rejection: Rejection): void {
    this.#explicit.set(nodeName, rejection);
  }

  get(nodeName: string): Rejection {
    return this.#explicit.get(nodeName) ?? this.absent;
  }

  values(): IterableIterator<Rejection> {
    return this.#explicit.values();
  }

  /** The nodes that were turned down with this code. */
  withCode(code: Rejection['code'], nodes: readonly NodeInfo[]): NodeInfo[] {
    return nodes.filter(({ name }) => this.get(name).code === code);
  }
}

/** What an attempt that found no node learnt. */
export interface Diagnosis {
  readonly statuses: NodeStatuses;
  /** The plugins that turned the pod or a node down: a change that one of them cares for may help. */
  readonly rejectors: Set<string>;
  /** Set when the pod was turned down before any node was looked at. */
  preFilterMessage?: string;
  postFilterMessage?: string;
  /** The node that the pod has been promised to; '' takes a promise back, absent leaves it. */
  nominate?: string;
}

/** The pod fits no node. The message is the one that users see in events and in the pod's condition. */
export class FitError extends Error {
  override name = 'FitError';
  readonly diagnosis: Diagnosis;

  constructor(nodeCount: number, diagnosis: Diagnosis) {
    super(fitMessage(nodeCount, diagnosis));
    this.diagnosis = diagnosis;
  }
}

/**
 * `0/3 nodes are available: 1 Insufficient cpu, 2 node(s) were unschedulable. preemption: …`: the reasons with their
 * counts, sorted as text (scheduler framework, FitError).
 */
export function fitMessage(nodeCount: number, diagnosis: Omit<Diagnosis, 'rejectors'>): string {
  const { statuses, preFilterMessage, postFilterMessage } = diagnosis;
  let message = `0/${nodeCount} nodes are available:`;
  if (preFilterMessage) message += ` ${preFilterMessage}.`;
  else {
    const counts = new Map<string, number>();
    const count = (rejection: Rejection, times: number) => {
      for (const reason of rejection.reasons) counts.set(reason, (counts.get(reason) ?? 0) + times);
    };
    for (const rejection of statuses.values()) count(rejection, 1);
    if (statuses.size < nodeCount) count(statuses.absent, nodeCount - statuses.size);
    const texts = [...counts].map(([reason, times]) => `${times} ${reason}`).sort();
    if (texts.length > 0) message += ` ${texts.join(', ')}.`;
  }
  return postFilterMessage ? `${message} ${postFilterMessage}` : message;
}
