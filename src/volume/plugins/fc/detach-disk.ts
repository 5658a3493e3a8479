import { basename } from 'node:path';
import type { Host } from '../../../host/index.ts';
import { pathsOfMultipath } from '../scsi/multipath.ts';
import { searchFcDisk } from './find-disk.ts';
import { diskOf, parseFcPath } from './source.ts';

/**
 * Takes a disk, with all its paths, away from the machine, so that nothing is left of it when somebody unmaps it.
 * Source: DetachDisk, pkg/volume/fc.
 */
export async function detachFcDisk(
  { files, processes }: Pick<Host, 'files' | 'processes'>,
  device: string,
): Promise<void> {
  const resolved = await files.realPath(device);
  let disks: readonly string[] = [resolved];
  if (resolved.startsWith('/dev/dm-')) {
    disks = await pathsOfMultipath(files, resolved);
    const { exitCode, stdout, stderr } = await processes.exec('multipath', ['-f', resolved]);
    if (exitCode !== 0)
      throw new Error(
        `failed to flush multipath device ${resolved}: exit status ${exitCode}\n${stdout}${stderr}`,
      );
  }
  const invalid = disks.find((disk) => !disk.startsWith('/dev/'));
  for (const disk of disks.filter((one) => one.startsWith('/dev/'))) {
    // As upstream: neither may keep the disk here.
    await processes.exec('blockdev', ['--flushbufs', disk]).catch(() => undefined);
    await files.append(`/sys/block/${basename(disk)}/device/delete`, '1').catch(() => undefined);
  }
  if (invalid !== undefined)
    throw new Error(
      `fc: detachFCDisk failed. device: ${invalid} err: fc detach disk: invalid device name: ${invalid}`,
    );
}

/**
 * Takes away the disk that pods had as a device: only the name of its directory tells which. A directory that is not there had
 * none. Source: DetachBlockFCDisk, which finds no disk that has several ports.
 */
export async function detachMappedFcDisk(
  host: Pick<Host, 'files' | 'processes'>,
  globalMapPath: string,
): Promise<void> {
  if (!(await host.files.stat(globalMapPath))) return;
  const { spec } = parseFcPath(globalMapPath, '');
  const { device, multipath = device } = await searchFcDisk(host.files, diskOf(spec));
  if (multipath === undefined) throw new Error(`fc: failed to find corresponding device of ${globalMapPath}`);
  await detachFcDisk(host, multipath);
}
