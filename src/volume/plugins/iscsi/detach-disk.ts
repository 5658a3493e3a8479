import { join } from 'node:path';
import type { Host } from '../../../host/index.ts';
import { pluginDirectory } from '../../paths.ts';
import { volumeDevicesDirectory } from '../scsi/block-mapper.ts';
import { listOrNothing, multipathOf } from '../scsi/multipath.ts';
import { failedToRemove, iscsiadm } from './iscsiadm.ts';
import { ISCSI_PLUGIN, type IscsiDisk } from './source.ts';
import { disksOfLun } from './sysfs.ts';

/** What detaching needs to know: all of a disk, or what its path tells of it. */
export type DetachableDisk = Pick<IscsiDisk, 'Portals' | 'Iqn' | 'Lun' | 'Iface'> &
  Partial<Pick<IscsiDisk, 'VolName' | 'InitiatorName'>>;

/** Takes the disks of a LUN away from the machine. As upstream: what fails, the logout may mend (deleteDevices). */
export async function deleteDisks(host: Host, { Iqn, Lun }: DetachableDisk): Promise<void> {
  const disks = await disksOfLun(host.files, Iqn, Lun).catch(() => []);
  const multipaths = new Set<string>();
  for (const disk of disks) {
    const found = await multipathOf(host.files, `/dev/${disk}`);
    if (found !== undefined) multipaths.add(found);
  }
  for (const device of multipaths)
    await host.processes.exec('multipath', ['-f', device]).catch(() => undefined);
  for (const disk of disks)
    await host.files.append(`/sys/block/${disk}/device/delete`, '1').catch(() => undefined);
}

/** Whether another volume of the target, behind the same portal, is mounted or given to pods here (isSessionBusy). */
export async function isSessionBusy(
  host: Host,
  nodeRoot: string,
  { Portals, Iqn }: DetachableDisk,
): Promise<boolean> {
  const mounted = pluginDirectory(nodeRoot, ISCSI_PLUGIN);
  let count = 0;
  for (const directory of [mounted, volumeDevicesDirectory(nodeRoot, ISCSI_PLUGIN)]) {
    for (const name of await listOrNothing(host.files, directory)) {
      if (name === 'volumeDevices') continue;
      const volumes = await listOrNothing(host.files, join(directory, name));
      count += volumes.filter((volume) => volume.startsWith(`${Portals[0]}-${Iqn}`)).length;
    }
  }
  return count > 1;
}

/** Ends the sessions with a target and forgets it. @throws Error when iscsiadm fails. */
export async function logout(host: Host, disk: DetachableDisk): Promise<void> {
  const { Iqn, Iface, VolName, InitiatorName = '' } = disk;
  const portals = [...new Set(disk.Portals)];
  const run = async (what: string, ...args: readonly string[]) => {
    const said = await iscsiadm(host, ...args);
    if (failedToRemove(said))
      throw new Error(
        `failed to finish detachISCSIDisk, err: exit status ${said.exitCode}: ${what}: ${said.output}`,
      );
  };
  for (const portal of portals) {
    const node = ['-m', 'node', '-p', portal, '-T', Iqn];
    await run('iscsi: failed to detach disk', ...node, '--logout', '-I', Iface);
    await run('iscsi: failed to delete node record', ...node, '-o', 'delete', '-I', Iface);
  }
  // The interface, if it was made for this volume.
  if (InitiatorName !== '' && Iface === `${portals[0]}:${VolName}`)
    await run('iscsi: failed to delete iface', '-m', 'iface', '-I', Iface, '-o', 'delete');
}
