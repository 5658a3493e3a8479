import type { Pod } from '../../../kube/index.ts';

/**
 * The one user that all containers of a pod run as, who may then read a token that nobody else may; `undefined` when
 * they differ or do not say (FsUserFrom, pkg/volume/util).
 */
export function fsUserOf({ spec }: Pod): number | undefined {
  const containers = [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])];
  const users = new Set(
    containers.map(({ securityContext }) => securityContext?.runAsUser ?? spec?.securityContext?.runAsUser),
  );
  return users.size === 1 ? [...users][0] : undefined;
}
