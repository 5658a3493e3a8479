import type { ContainerSecurity } from './contract.ts';

/**
 * What containerd leaves a container by default, but for mknod: without a device controller it would open every disk of
 * the host.
 */
export const DEFAULT_CAPABILITIES: readonly string[] = [
  'audit_write',
  'chown',
  'dac_override',
  'fowner',
  'fsetid',
  'kill',
  'net_bind_service',
  'net_raw',
  'setfcap',
  'setgid',
  'setpcap',
  'setuid',
  'sys_chroot',
];

/** The options of setpriv(1). */
export function setprivOptions(security: ContainerSecurity): string[] {
  const all = security.capabilities.includes('all');
  const bounding = all
    ? []
    : [`--bounding-set=${['-all', ...security.capabilities.map((name) => `+${name}`)]}`];
  return [
    `--reuid=${security.uid}`,
    `--regid=${security.gid}`,
    security.supplementalGroups.length > 0
      ? `--groups=${security.supplementalGroups.join(',')}`
      : '--clear-groups',
    ...bounding,
    '--inh-caps=-all',
    // Without the shell that waits for it a container's end would go unseen.
    '--pdeathsig=KILL',
    ...(security.noNewPrivileges ? ['--no-new-privs'] : []),
  ];
}
