import type { UserInfo } from '../../registry/contract.ts';
import type { RequestTarget } from '../request-target.ts';

/** A share of the server, with queues of its own: what one level does never costs another. */
export interface PriorityLevel {
  readonly name: string;
  /** Of all shares; undefined: never limited. */
  readonly shares: number | undefined;
  /** How many requests of one flow may wait; 0: a request that finds no seat is refused. */
  readonly queueLength: number;
}

/** Requests that are served at a time, of all levels together (max-requests-inflight and max-mutating-requests-inflight). */
const SEATS = 600;

const QUEUE_LENGTH = 50;
const limited = (name: string, shares: number, queueLength = QUEUE_LENGTH): PriorityLevel => ({
  name,
  shares,
  queueLength,
});

/** Upstream's mandatory and suggested levels and their shares (flowcontrol/bootstrap). */
export const LEVELS = {
  exempt: { name: 'exempt', shares: undefined, queueLength: 0 },
  system: limited('system', 30),
  nodeHigh: limited('node-high', 40),
  leaderElection: limited('leader-election', 10),
  workloadHigh: limited('workload-high', 40),
  workloadLow: limited('workload-low', 100),
  globalDefault: limited('global-default', 20),
  catchAll: limited('catch-all', 5, 0),
} as const satisfies Record<string, PriorityLevel>;

const ALL_SHARES = Object.values<PriorityLevel>(LEVELS).reduce((sum, { shares = 0 }) => sum + shares, 0);

/** How many requests of a level are served at a time; undefined: any number. */
export function seatsOf({ shares }: PriorityLevel): number | undefined {
  return shares === undefined ? undefined : Math.ceil((SEATS * shares) / ALL_SHARES);
}

/** Where a request belongs: its level, and whose queue it waits in there. */
export interface Flow {
  readonly level: PriorityLevel;
  readonly key: string;
}

const PROBES: ReadonlySet<string> = new Set(['/healthz', '/readyz', '/livez']);
const CONTROL_PLANE: ReadonlySet<string> = new Set([
  'system:kube-controller-manager',
  'system:kube-scheduler',
]);
const KUBE_SYSTEM_ACCOUNTS = 'system:serviceaccounts:kube-system';

/** The flow of a request: upstream's suggested flow schemas in the order of their precedence. */
export function flowOf({ name, groups = [] }: UserInfo, target: RequestTarget): Flow {
  const as = (level: PriorityLevel, key = name): Flow => ({ level, key });
  if (groups.includes('system:masters')) return as(LEVELS.exempt);
  if ('path' in target && PROBES.has(target.path)) return as(LEVELS.exempt);
  const resource = 'resource' in target ? target.resource : '';
  if (groups.includes('system:nodes'))
    return as(resource === 'nodes' || resource === 'leases' ? LEVELS.nodeHigh : LEVELS.system);
  const isControlPlane = CONTROL_PLANE.has(name);
  const isKubeSystem = groups.includes(KUBE_SYSTEM_ACCOUNTS);
  if (resource === 'leases' && (isControlPlane || isKubeSystem)) return as(LEVELS.leaderElection);
  if (isControlPlane) return as(LEVELS.workloadHigh);
  if (isKubeSystem) return as(LEVELS.workloadHigh, 'resource' in target ? target.namespace : '');
  if (groups.includes('system:serviceaccounts')) return as(LEVELS.workloadLow);
  if (groups.includes('system:authenticated') || groups.includes('system:unauthenticated'))
    return as(LEVELS.globalDefault);
  return as(LEVELS.catchAll);
}
