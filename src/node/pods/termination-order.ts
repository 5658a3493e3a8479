import type { Pod } from '../../kube/index.ts';
import { isSidecar } from './names.ts';

/**
 * After which others a container's end begins: sidecars after all regular containers, and after the sidecars that were
 * started later (kubelet, newTerminationOrdering). What is not named waits for nobody.
 */
export function terminationOrder(pod: Pod): ReadonlyMap<string, readonly string[]> {
  const sidecars = (pod.spec?.initContainers ?? []).filter(isSidecar).map(({ name }) => name);
  const regular = (pod.spec?.containers ?? []).map(({ name }) => name);
  return new Map(sidecars.map((name, index) => [name, [...regular, ...sidecars.slice(index + 1)]]));
}
