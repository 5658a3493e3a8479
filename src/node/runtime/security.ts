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

/** Capabilities by number (linux/capability.h). */
const CAPABILITIES = (
  'chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable net_bind_service ' +
  'net_broadcast net_admin net_raw ipc_lock ipc_owner sys_module sys_rawio sys_chroot sys_ptrace sys_pacct sys_admin ' +
  'sys_boot sys_nice sys_resource sys_time sys_tty_config mknod lease audit_write audit_control setfcap mac_override ' +
  'mac_admin syslog wake_alarm block_suspend audit_read perfmon bpf checkpoint_restore'
).split(' ');

/**
 * The IDENTITY of enter.pl.
 * @throws Error that names a capability which is none.
 */
export function identityArguments(security: ContainerSecurity): string[] {
  const { uid, gid, supplementalGroups, capabilities, noNewPrivileges } = security;
  const numbers = capabilities.includes('all') ? 'all' : capabilities.map(numberOf).join(',');
  return [String(uid), String(gid), supplementalGroups.join(','), numbers, noNewPrivileges ? '1' : '0'];
}

function numberOf(capability: string): number {
  const number = CAPABILITIES.indexOf(capability);
  if (number < 0) throw new Error(`unknown capability ${JSON.stringify(capability)}`);
  return number;
}
