/** What is known when a volume should leave a node. */
export interface DetachCircumstances {
  /** The node still reports the volume in status.volumesInUse, or has not yet reported since the attach. */
  readonly mountedByNode: boolean;
  /** Milliseconds since the detach was first wanted. */
  readonly waitedMs: number;
  /** Milliseconds after which an unhealthy node is not waited for any more. */
  readonly maxWaitMs: number;
  readonly disableForceDetachOnTimeout: boolean;
  /** The node exists and is Ready. */
  readonly nodeHealthy: boolean;
  /** The node carries the taint node.kubernetes.io/out-of-service. */
  readonly outOfService: boolean;
}

export type DetachDecision =
  | { readonly action: 'wait' }
  /** `verifySafe`: ask the API server once more whether the node has let go. `forced`: why nobody asks. */
  | {
      readonly action: 'detach';
      readonly verifySafe: boolean;
      readonly forced?: 'timeout' | 'out-of-service';
    };

/** Whether a volume may be taken from its node now (attachdetach/reconciler). */
export function decideDetach(c: DetachCircumstances): DetachDecision {
  const timedOut = c.waitedMs > c.maxWaitMs && !c.disableForceDetachOnTimeout;
  const forcedByTimeout = timedOut && !c.nodeHealthy;
  if (c.mountedByNode && !forcedByTimeout && !c.outOfService) return { action: 'wait' };
  if (timedOut) return { action: 'detach', verifySafe: false, forced: 'timeout' };
  if (c.outOfService) return { action: 'detach', verifySafe: false, forced: 'out-of-service' };
  return { action: 'detach', verifySafe: true };
}
