import { type Pod, pods, TAINT_NOT_READY, TAINT_UNREACHABLE, type Toleration } from '../../kube/index.ts';
import type { AdmissionPlugin } from './contract.ts';

const TOLERATION_SECONDS = 300;

/** A pod stays on a node that is not ready or not reachable for five minutes unless it says otherwise. */
export const defaultTolerationSeconds: AdmissionPlugin = {
  name: 'DefaultTolerationSeconds',
  operations: ['CREATE', 'UPDATE'],
  resources: [pods],
  mutate(object) {
    const pod = object as Pod;
    if (!pod.spec) return pod;
    const tolerations = pod.spec.tolerations ?? [];
    const missing = [TAINT_NOT_READY, TAINT_UNREACHABLE].filter(
      (taint) => !tolerations.some((one) => toleratesNoExecute(one, taint)),
    );
    if (missing.length === 0) return pod;
    const added = missing.map((key) => ({
      key,
      operator: 'Exists',
      effect: 'NoExecute',
      tolerationSeconds: TOLERATION_SECONDS,
    }));
    return { ...pod, spec: { ...pod.spec, tolerations: [...tolerations, ...added] } } as Pod;
  },
};

function toleratesNoExecute({ key, effect }: Toleration, taint: string): boolean {
  return (key === taint || !key) && (effect === 'NoExecute' || !effect);
}
