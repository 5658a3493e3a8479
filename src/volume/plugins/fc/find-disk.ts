import { join } from 'node:path';
import type { Files } from '../../../host/index.ts';
import { listOrNothing, multipathOf } from '../scsi/multipath.ts';
import type { FcDisk } from './source.ts';

const BY_PATH = '/dev/disk/by-path';
const BY_ID = '/dev/disk/by-id';
const SCSI_HOSTS = '/sys/class/scsi_host';

/**
 * The device of a disk: its multipath device as soon as there is one, else, after all buses were scanned anew, any disk.
 * @throws Error if there is none. Source: searchDisk, pkg/volume/fc.
 */
export async function findFcDisk(files: Files, disk: FcDisk): Promise<string> {
  const first = await searchFcDisk(files, disk);
  if (first.multipath !== undefined) return first.multipath;
  await rescan(files);
  const { multipath, device = first.device } = await searchFcDisk(files, disk);
  const found = multipath ?? device;
  if (found === undefined) throw new Error('no fc disk found');
  if (!(await files.stat(found))) throw new Error(`device ${found} does not exist`);
  return found;
}

interface Seen {
  device?: string;
  multipath?: string;
}

/** What of a disk is there now. */
export async function searchFcDisk(files: Files, disk: FcDisk): Promise<Seen> {
  const [directory, patterns] =
    'wwns' in disk
      ? [BY_PATH, disk.wwns.map((wwn) => new RegExp(`^(pci-.*-fc|fc)-0x${literally(wwn)}-lun-${disk.lun}$`))]
      : [BY_ID, disk.wwids.map((wwid) => new RegExp(`^scsi-${literally(wwid)}$`))];
  const names = await listOrNothing(files, directory);
  let device: string | undefined;
  for (const pattern of patterns) {
    const name = names.find((one) => pattern.test(one));
    if (name === undefined) continue;
    device = await files.realPath(join(directory, name));
    const multipath = await multipathOf(files, device);
    if (multipath !== undefined) return { device, multipath };
  }
  return { device };
}

async function rescan(files: Files): Promise<void> {
  // As upstream: a bus that cannot be scanned is none of ours.
  for (const host of await listOrNothing(files, SCSI_HOSTS))
    await files.append(join(SCSI_HOSTS, host, 'scan'), '- - -').catch(() => undefined);
}

function literally(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
