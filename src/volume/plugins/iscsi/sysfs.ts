import { join } from 'node:path';
import type { Files } from '../../../host/index.ts';
import { listOrNothing } from '../scsi/multipath.ts';

const HOSTS = '/sys/class/iscsi_host';

interface Session {
  readonly host: number;
  readonly path: string;
}

/** The sessions with a target. Source: device_util_linux.go of pkg/volume/util. */
async function sessionsWith(files: Files, iqn: string): Promise<Session[]> {
  const found: Session[] = [];
  for (const name of await listOrNothing(files, HOSTS)) {
    const host = Number(/^host(\d+)$/.exec(name)?.[1] ?? Number.NaN);
    if (Number.isNaN(host)) continue;
    const device = join(HOSTS, name, 'device');
    for (const session of await listOrNothing(files, device)) {
      if (!session.startsWith('session')) continue;
      const path = join(device, session);
      // A session that ends just now is none.
      const target = await files.read(join(path, 'iscsi_session', session, 'targetname')).catch(() => '');
      if (target.trim() === iqn) found.push({ host, path });
    }
  }
  return found;
}

/** The SCSI host of each portal that is logged in to a target (GetISCSIPortalHostMapForTarget). */
export async function hostsByPortal(files: Files, iqn: string): Promise<Map<string, number>> {
  const hosts = new Map<string, number>();
  for (const { host, path } of await sessionsWith(files, iqn)) {
    for (const connection of await listOrNothing(files, path)) {
      if (!connection.startsWith('connection')) continue;
      const at = join(path, connection, 'iscsi_connection', connection);
      const read = async (name: string) => (await files.read(join(at, name))).trim();
      try {
        const portals = [
          portal(await read('address'), await read('port')),
          portal(await read('persistent_address'), await read('persistent_port')),
        ];
        for (const one of portals) hosts.set(one, host);
      } catch {
        // A connection that ends just now is none.
      }
    }
  }
  return hosts;
}

function portal(address: string, port: string): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** The disks of a LUN, on each path to its target: sdX (FindDevicesForISCSILun). */
export async function disksOfLun(files: Files, iqn: string, lun: string): Promise<string[]> {
  const disks: string[] = [];
  for (const { host, path } of await sessionsWith(files, iqn)) {
    const block = join(path, `target${host}:0:0`, `${host}:0:0:${lun}`, 'block');
    const [disk] = await listOrNothing(files, block);
    if (disk !== undefined) disks.push(disk);
  }
  return disks;
}
