import { type Taint, type Toleration, tolerates } from '../../kube/index.ts';

export function noExecuteTaints(taints: readonly Taint[] | undefined): Taint[] {
  return (taints ?? []).filter(({ effect }) => effect === 'NoExecute');
}

/**
 * How long a pod may stay on a node with these NoExecute taints, in milliseconds: 0 when one of them is not tolerated,
 * otherwise the shortest time of the tolerations used, the first that fits each taint. Infinity when none sets one.
 */
export function tolerationTimeMs(
  taints: readonly Taint[],
  tolerations: readonly Toleration[] | undefined,
): number {
  const used = taints.map((taint) => tolerations?.find((toleration) => tolerates(toleration, taint)));
  const times = used.map((toleration) => {
    if (!toleration) return 0;
    return Math.max(0, toleration.tolerationSeconds ?? Number.POSITIVE_INFINITY) * 1000;
  });
  return Math.min(...times, Number.POSITIVE_INFINITY);
}
