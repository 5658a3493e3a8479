import { type PodSpec, parseNano } from '../../../kube/index.ts';

const COMPUTE = ['cpu', 'memory'] as const;

/** The quality-of-service class (pkg/apis/core/v1/helper/qos): only cpu and memory count, zero counts as absent. */
export function qosClass(spec: PodSpec | undefined): 'Guaranteed' | 'Burstable' | 'BestEffort' {
  const containers = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])];
  const set = (quantity: string | undefined) => quantity !== undefined && (parseNano(quantity) ?? 0n) > 0n;
  const anySet = containers.some(({ resources }) =>
    COMPUTE.some((name) => set(resources?.requests?.[name]) || set(resources?.limits?.[name])),
  );
  if (!anySet) return 'BestEffort';
  const allEqual = containers.every(({ resources }) =>
    COMPUTE.every((name) => {
      const limit = resources?.limits?.[name];
      return set(limit) && parseNano(resources?.requests?.[name] ?? limit!) === parseNano(limit!);
    }),
  );
  return allEqual ? 'Guaranteed' : 'Burstable';
}
