import { join } from 'node:path';
import { type MachineScratch, shell } from './support.ts';

export interface IscsiTarget {
  readonly iqn: string;
  /** LUNs 1 to 2. */
  readonly portals: readonly [string, string];
  /** Whom the target lets log in. */
  readonly user: string;
  readonly password: string;
}

const CHAP = { user: 'stowage', password: 'hush-hush-hush' };

/** An iSCSI target with two blank disks, reached through two addresses; with `chap` it asks for a password. */
export async function iscsiTarget(base: string, id: number, chap = false): Promise<IscsiTarget> {
  const iqn = `iqn.2026-01.dev.stowage:target${id}`;
  const admin = 'tgtadm --lld iscsi';
  await shell(`
    for lun in 1 2; do truncate -s 64M ${join(base, `disk-${id}-`)}$lun; done
    ${admin} --op new --mode target --tid ${id} -T ${iqn}
    for lun in 1 2; do
      ${admin} --op new --mode logicalunit --tid ${id} --lun $lun -b ${join(base, `disk-${id}-`)}$lun
    done
    ${admin} --op bind --mode target --tid ${id} -I ALL
  `);
  if (chap)
    await shell(`
      ${admin} --op new --mode account --user ${CHAP.user} --password ${CHAP.password}
      ${admin} --op bind --mode account --tid ${id} --user ${CHAP.user}
    `);
  return { iqn, portals: ['127.0.0.1', '127.0.0.2'], ...CHAP };
}

/** The daemons of both sides. */
export async function iscsiDaemons(scratch: MachineScratch): Promise<void> {
  await shell(`
    modprobe iscsi_tcp
    mkdir -p /run/tgtd /run/lock/iscsi
    tgtd
    iscsid
    until tgtadm --lld iscsi --op show --mode sys >/dev/null 2>&1; do sleep 0.1; done
  `);
  scratch.defer(() => shell('kill $(pidof iscsid) $(pidof tgtd)'));
}

/** The portals through which somebody is logged in to a target. */
export async function sessions(iqn: string): Promise<string[]> {
  const shown = await shell('iscsiadm -m session || true');
  return shown
    .split('\n')
    .filter((line) => line.includes(`${iqn} `))
    .map((line) => /\] ([^,]+),/.exec(line)?.[1] ?? line)
    .sort();
}
