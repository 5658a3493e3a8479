import {
  type DaemonSet,
  matchesNodeSelector,
  type Node,
  type PodSpec,
  type Stored,
  TAINT_DISK_PRESSURE,
  TAINT_MEMORY_PRESSURE,
  TAINT_NETWORK_UNAVAILABLE,
  TAINT_NOT_READY,
  TAINT_PID_PRESSURE,
  TAINT_UNREACHABLE,
  TAINT_UNSCHEDULABLE,
  type Toleration,
  untolerated,
} from '../../kube/index.ts';

/** What a daemon's pod may do on a node. */
export interface Eligibility {
  /** One is to be made when there is none. */
  readonly shouldRun: boolean;
  /** One that is there stays. */
  readonly mayStay: boolean;
}

const tolerate = (key: string, effect: string): Toleration => ({ key, operator: 'Exists', effect });

/** The tolerations that every daemon's pod has: it does not go because its node is in trouble. */
export function daemonTolerations(spec: PodSpec | undefined): Toleration[] {
  const own = [
    tolerate(TAINT_NOT_READY, 'NoExecute'),
    tolerate(TAINT_UNREACHABLE, 'NoExecute'),
    tolerate(TAINT_DISK_PRESSURE, 'NoSchedule'),
    tolerate(TAINT_MEMORY_PRESSURE, 'NoSchedule'),
    tolerate(TAINT_PID_PRESSURE, 'NoSchedule'),
    tolerate(TAINT_UNSCHEDULABLE, 'NoSchedule'),
    ...(spec?.hostNetwork ? [tolerate(TAINT_NETWORK_UNAVAILABLE, 'NoSchedule')] : []),
  ];
  const given = (spec?.tolerations ?? []).map(
    (toleration) => own.find((one) => isSame(one, toleration)) ?? toleration,
  );
  return [...given, ...own.filter((one) => !given.includes(one))];
}

/** The same but for its time (Toleration.MatchToleration). */
function isSame(a: Toleration, b: Toleration): boolean {
  return (
    a.key === b.key &&
    a.effect === b.effect &&
    a.operator === b.operator &&
    (a.value ?? '') === (b.value ?? '')
  );
}

/** Node name, selector, affinity and taints decide (NodeShouldRunDaemonPod). */
export function eligibility(set: DaemonSet, node: Stored<Node>): Eligibility {
  const spec = set.spec?.template.spec;
  const { name, labels } = node.metadata;
  const fits =
    (!spec?.nodeName || spec.nodeName === name) &&
    Object.entries(spec?.nodeSelector ?? {}).every(([label, value]) => labels?.[label] === value) &&
    matchesAffinity(spec, node);
  if (!fits) return { shouldRun: false, mayStay: false };
  const taints = node.spec?.taints ?? [];
  const tolerations = daemonTolerations(spec);
  const isFree = (...effects: string[]) =>
    untolerated(
      taints.filter(({ effect }) => effects.includes(effect)),
      tolerations,
    ) === undefined;
  const shouldRun = isFree('NoSchedule', 'NoExecute');
  return { shouldRun, mayStay: shouldRun || isFree('NoExecute') };
}

function matchesAffinity(spec: PodSpec | undefined, node: Node): boolean {
  const required = spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return required === undefined || matchesNodeSelector(required, node);
}
