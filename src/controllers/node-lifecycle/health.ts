import type { Lease, Node, NodeCondition, Stored } from '../../kube/index.ts';
import { readyCondition } from './conditions.ts';

/** What was last seen of a node, by this controller's own clock: the clocks of nodes are not to be trusted. */
export interface NodeHealth {
  readonly ready: NodeCondition | undefined;
  readonly leaseRenewTime: string | undefined;
  /** When the node last gave a sign of life (monotonic milliseconds). */
  readonly heardMs: number;
}

export interface GracePeriods {
  /** For a node that has never said whether it is ready. */
  readonly startupMs: number;
  readonly monitorMs: number;
}

/** The instants of one look at a node. */
export interface Instant {
  readonly monotonicMs: number;
  readonly epochMs: number;
}

/**
 * What is known after another look. A node has given a sign of life when the heartbeat of its Ready condition or its
 * lease has changed. A node that is new to us has given one now, unless it never posted a status: then at its creation.
 */
export function observe(
  health: NodeHealth | undefined,
  node: Stored<Node>,
  lease: Lease | undefined,
  { monotonicMs, epochMs }: Instant,
): NodeHealth {
  const ready = readyCondition(node);
  const heartbeat = ready !== undefined && ready.lastHeartbeatTime !== health?.ready?.lastHeartbeatTime;
  const news = ready !== undefined && (health?.ready === undefined || heartbeat);
  const renewTime = lease?.spec?.renewTime;
  const renewed = renewTime !== undefined && isLater(renewTime, health?.leaseRenewTime);
  const createdAgoMs = Math.max(0, epochMs - Date.parse(node.metadata.creationTimestamp));
  return {
    ready,
    leaseRenewTime: renewed ? renewTime : health?.leaseRenewTime,
    heardMs: news || renewed ? monotonicMs : (health?.heardMs ?? monotonicMs - createdAgoMs),
  };
}

function isLater(time: string, than: string | undefined): boolean {
  return than === undefined || Date.parse(time) > Date.parse(than);
}

/** Nothing was heard of the node for longer than its grace period. */
export function isSilent(health: NodeHealth, { startupMs, monitorMs }: GracePeriods, nowMs: number): boolean {
  return nowMs > health.heardMs + (health.ready ? monitorMs : startupMs);
}
