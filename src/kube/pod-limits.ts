import { quantityValue } from './quantity.ts';
import { addLists, podResourceTotals } from './resource-lists.ts';
import type { Container, Pod, ResourceList } from './types.ts';

/** What a pod may have in all. Overhead raises a limit that there is. */
export function podLimits(pod: Pod): ResourceList {
  const limits = podResourceTotals(pod, 'limits');
  const overhead = Object.entries(pod.spec?.overhead ?? {}).filter(
    ([name]) => quantityValue(limits[name]) > 0n,
  );
  return addLists(limits, Object.fromEntries(overhead));
}

/** Whether every container has a limit, or the pod has. An init container also counts with the sidecars that run beside it. */
export function isLimitDeclared({ spec }: Pod, name: 'cpu' | 'memory'): boolean {
  const has = ({ resources }: Pick<Container, 'resources'>) => quantityValue(resources?.limits?.[name]) > 0n;
  if (spec?.resources && has({ resources: spec.resources })) return true;
  let sidecarHas = false;
  const initial = (spec?.initContainers ?? []).every((container) => {
    if (container.restartPolicy === 'Always') sidecarHas ||= has(container);
    return sidecarHas || has(container);
  });
  return initial && (spec?.containers ?? []).every(has);
}
