import { join } from 'node:path';
import { errorMessage } from '../../../base/index.ts';
import type { Files } from '../../../host/index.ts';

export const VOLUME_DATA_FILE = 'vol_data.json';

/** What is noted on disk beside a mount, to undo it after a restart. Keys: upstream's volDataKey. */
export interface VolumeData {
  readonly volumeHandle: string;
  readonly driverName: string;
  readonly specVolID?: string;
  readonly nodeName?: string;
  readonly attachmentID?: string;
  readonly volumeLifecycleMode?: string;
  /** The label that the volume is mounted with. */
  readonly seLinuxMountContext?: string;
}

export async function saveVolumeData(files: Files, directory: string, data: VolumeData): Promise<void> {
  const path = join(directory, VOLUME_DATA_FILE);
  try {
    // Sorted keys and a line feed, as Go's encoder writes a map.
    const sorted = Object.fromEntries(
      Object.entries(data)
        .filter(([, value]) => value !== undefined)
        .sort(([a], [b]) => (a < b ? -1 : 1)),
    );
    // Not durable, as upstream: what it tells of does not outlive a loss of power either.
    await files.writeWhole(path, `${JSON.stringify(sorted)}\n`, 0o644);
  } catch (error) {
    throw new Error(`kubernetes.io/csi: failed to save volume data file ${path}: ${errorMessage(error)}`, {
      cause: error,
    });
  }
}

/**
 * The note in a directory, or undefined if there is none, or a loss of power has taken its content, and with it the mount.
 * @throws Error if there is one that cannot be read or understood.
 */
export async function loadVolumeData(files: Files, directory: string): Promise<VolumeData | undefined> {
  const path = join(directory, VOLUME_DATA_FILE);
  const stat = await files.stat(path);
  if (!stat) return undefined;
  try {
    // Nobody else has business here: a link would have us tell of some other file what is in it.
    if (stat.kind !== 'file') throw new Error(`it is a ${stat.kind}, not a file`);
    const text = await files.read(path);
    if (/^\0*$/.test(text)) return undefined;
    const data = JSON.parse(text) as Partial<VolumeData>;
    if (typeof data.volumeHandle !== 'string' || typeof data.driverName !== 'string') {
      throw new Error('volumeHandle or driverName is missing');
    }
    return data as VolumeData;
  } catch (error) {
    throw new Error(`kubernetes.io/csi: failed to parse volume data file [${path}]: ${errorMessage(error)}`, {
      cause: error,
    });
  }
}
