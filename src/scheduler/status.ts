/**
 * Why a plugin turns a pod or a node down. `Unschedulable`: taking other pods away could help.
 * `UnschedulableAndUnresolvable`: it could not, only a change of the cluster can.
 */
export interface Rejection {
  readonly code: 'Unschedulable' | 'UnschedulableAndUnresolvable';
  /** Counted one by one over the nodes in the message that users see. */
  readonly reasons: readonly string[];
}

export const unschedulable = (...reasons: string[]): Rejection =>
  Object.freeze({ code: 'Unschedulable', reasons });

export const unresolvable = (...reasons: string[]): Rejection =>
  Object.freeze({ code: 'UnschedulableAndUnresolvable', reasons });

/** From PreFilter or PreScore: the plugin has nothing to say about this pod, do not ask it again in this cycle. */
export const SKIP: unique symbol = Symbol('Skip');
export type Skip = typeof SKIP;
