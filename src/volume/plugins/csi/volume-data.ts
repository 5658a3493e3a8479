import { join } from 'node:path';
import { errorMessage } from '../../../base/index.ts';
import type { Files } from '../../../host/index.ts';
import { isOperationFinished, TransientOperationFailure } from '../../operation-error.ts';

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
    await files.writeAtomic(path, `${JSON.stringify(sorted)}\n`, 0o644);
  } catch (error) {
    throw new Error(`kubernetes.io/csi: failed to save volume data file ${path}: ${errorMessage(error)}`, {
      cause: error,
    });
  }
}

/**
 * A try to mount. When it fails while a note is there, then an earlier one may have mounted, or be mounting still: what
 * was known of the volume holds. Upstream forgets such a volume when the later try fails before the driver is asked.
 */
export async function keepingDoubt(
  files: Files,
  directory: string,
  mount: () => Promise<void>,
): Promise<void> {
  try {
    await mount();
  } catch (error) {
    if (!isOperationFinished(error)) throw error;
    const noted = await files.stat(join(directory, VOLUME_DATA_FILE)).catch(() => undefined);
    throw noted ? new TransientOperationFailure(errorMessage(error), { cause: error }) : error;
  }
}

/**
 * The note in a directory, or undefined if there is none.
 * @throws Error if there is one that cannot be read or understood.
 */
export async function loadVolumeData(files: Files, directory: string): Promise<VolumeData | undefined> {
  const path = join(directory, VOLUME_DATA_FILE);
  if (!(await files.stat(path))) return undefined;
  try {
    const data = JSON.parse(await files.read(path)) as Partial<VolumeData>;
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
