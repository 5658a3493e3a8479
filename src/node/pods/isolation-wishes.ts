import type { Container, Pod } from '../../kube/index.ts';

/**
 * Refuses what would keep a pod apart from the machine and cannot be had here: to go on without would be worse than not to
 * start. RuntimeDefault of seccomp and AppArmor is what this runtime has: none.
 * @throws Error that says what cannot be had.
 */
export function checkIsolationWishes({ spec }: Pod, { securityContext: own }: Container): void {
  const shared = spec?.securityContext;
  if (spec?.hostUsers === false)
    throw new Error('hostUsers: false cannot be had: the runtime does not support user namespaces');
  const seccomp = own?.seccompProfile ?? shared?.seccompProfile;
  if (seccomp?.type === 'Localhost')
    throw new Error(
      `seccomp profile ${JSON.stringify(seccomp.localhostProfile)} cannot be had: the runtime does not load any; use RuntimeDefault or Unconfined`,
    );
  const appArmor = own?.appArmorProfile ?? shared?.appArmorProfile;
  if (appArmor?.type === 'Localhost')
    throw new Error('Cannot enforce AppArmor: AppArmor is not enabled on the host');
  const [sysctl] = shared?.sysctls ?? [];
  if (sysctl) throw new Error(`forbidden sysctl: ${JSON.stringify(sysctl.name)} not allowlisted`);
}
