import { join } from 'node:path';
import { errorMessage, type InTurn } from '../../../base/index.ts';
import type { Host } from '../../../host/index.ts';
import { isMountPoint, mountTablePath } from '../../mount/index.ts';
import { UncertainProgressError } from '../../operation-error.ts';
import { pluginDirectory } from '../../paths.ts';
import type { DeviceMounter } from '../../plugin.ts';
import { mountDisk } from '../scsi/mount-disk.ts';
import { listOrNothing } from '../scsi/multipath.ts';
import { type DetachableDisk, deleteDisks, isSessionBusy, logout } from './detach-disk.ts';
import {
  diskOf,
  ISCSI_PLUGIN,
  type IscsiDisk,
  iscsiDeviceMountPath,
  isReadOnly,
  parseIscsiPath,
  reconstructedIscsi,
  sourceOf,
} from './source.ts';

const NOTE = 'iscsi.json';

export interface IscsiDeviceMounterOptions {
  readonly host: Host;
  readonly nodeRoot: string;
  /** One at a time for each target: a logout must not meet another volume's login. */
  readonly locks: InTurn;
}

/** Mounts disks once a node, and logs out when the last of a target is gone. Source: attacher.go of pkg/volume/iscsi. */
export function createIscsiDeviceMounter({
  host,
  nodeRoot,
  locks,
}: IscsiDeviceMounterOptions): DeviceMounter {
  return {
    canMountDevice: () => true,
    deviceMountPath: (spec) => iscsiDeviceMountPath(nodeRoot, diskOf(spec)),
    mountDevice: (spec, device, target) =>
      mountDisk(host, spec, { device, target, fsType: sourceOf(spec).fsType, readOnly: isReadOnly(spec) }),
    async unmountDevice(path) {
      if (!(await host.files.stat(path))) return;
      if (await isMountPoint(host, path)) await host.mounts.unmount(await mountTablePath(host, path));
      try {
        await detachNotedDisk({ host, nodeRoot, locks }, path);
      } catch (error) {
        throw new Error(`iscsi: failed to detach disk: ${path}\nError: ${errorMessage(error)}`, {
          cause: error,
        });
      }
      await host.files.removeDirectory(path);
    },
    async reconstructDevices() {
      const directory = pluginDirectory(nodeRoot, ISCSI_PLUGIN);
      const interfaces = (await listOrNothing(host.files, directory)).filter((name) =>
        name.startsWith('iface-'),
      );
      const found = interfaces.map(async (name) =>
        (await listOrNothing(host.files, join(directory, name))).map((volume) =>
          reconstructedIscsi(join(directory, name, volume), volume),
        ),
      );
      return (await Promise.all(found)).flat();
    },
  };
}

/** Lets go of the disk that is noted at a path, logs out if it was the last of its target, and removes the note. */
export async function detachNotedDisk(
  { host, nodeRoot, locks }: IscsiDeviceMounterOptions,
  path: string,
): Promise<void> {
  const disk = await noted(host, path);
  await deleteDisks(host, disk);
  await locks.run(disk.Iqn, async () => {
    if (!(await isSessionBusy(host, nodeRoot, disk))) await logout(host, disk);
  });
  await host.files.removeFile(join(path, NOTE));
}

/**
 * Notes the disk where it will be mounted or given to pods: what is needed to detach it. Below a mount the note is there
 * already, hidden by it.
 */
export async function noteDisk(host: Host, path: string, disk: IscsiDisk): Promise<void> {
  try {
    await host.files.makeDirectory(path, 0o750);
    if (await isMountPoint(host, path)) return;
    await host.files.writeAtomic(join(path, NOTE), `${JSON.stringify({ ...disk, MetricsProvider: null })}\n`);
  } catch (error) {
    // It is attached: somebody has to undo that.
    throw new UncertainProgressError(errorMessage(error), { cause: error });
  }
}

async function noted(host: Host, path: string): Promise<DetachableDisk> {
  const told = parseIscsiPath(path);
  try {
    const note = JSON.parse(await host.files.read(join(path, NOTE))) as Partial<IscsiDisk>;
    if (note.Iqn && note.Iface && note.Portals?.length) return { ...told, ...note };
  } catch {
    // As upstream: the path tells enough.
  }
  return told;
}
