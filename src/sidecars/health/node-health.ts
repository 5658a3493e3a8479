import type { Node } from '../../kube/index.ts';

/** What is remembered of a node between two looks. */
export interface NodeMemory {
  /** Since when it is known not to be ready (monotonic, ms). */
  readonly notReadySinceMs?: number;
  /** Its claims have been told that it failed. */
  readonly failed?: boolean;
}

export type NodeNews = 'failed' | 'recovered';

/** Not ready for longer is failed. */
const NOT_READY_LIMIT_MS = 300_000;

/** What to tell the claims of a node's pods, and what to remember. Source: updateNode of the external health monitor. */
export function judgeNode(
  node: Node,
  memory: NodeMemory,
  nowMs: number,
): { readonly news?: NodeNews; readonly memory: NodeMemory } {
  const ready = node.status?.conditions?.find(({ type }) => type === 'Ready')?.status;
  if (ready === 'True') return { ...(memory.failed && { news: 'recovered' }), memory: {} };
  if (node.status?.phase !== 'Terminated') {
    if (ready === undefined) return { memory };
    const { notReadySinceMs } = memory;
    if (notReadySinceMs === undefined) return { memory: { ...memory, notReadySinceMs: nowMs } };
    if (nowMs - notReadySinceMs <= NOT_READY_LIMIT_MS) return { memory };
  }
  return { news: 'failed', memory: { failed: true } };
}
