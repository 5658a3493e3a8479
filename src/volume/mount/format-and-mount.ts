import { errorMessage } from '../../base/index.ts';
import type { Host } from '../../host/index.ts';
import { diskFormat } from './disk-format.ts';

/** Why a device was not mounted. Source: MountErrorType of mount-utils. */
export type MountErrorKind =
  | 'FilesystemMismatch'
  | 'HasFilesystemErrors'
  | 'UnformattedReadOnly'
  | 'FormatFailed'
  | 'GetDiskFormatFailed'
  | 'UnknownMountError';

export class MountError extends Error {
  override name = 'MountError';
  readonly kind: MountErrorKind;

  constructor(kind: MountErrorKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}

export interface FormatAndMountRequest {
  readonly device: string;
  readonly target: string;
  /** @default ext4 */
  readonly fsType?: string;
  /** Mount options; 'ro' forbids formatting and repair. */
  readonly options?: readonly string[];
  /** For mkfs, before the ones that are always given. */
  readonly formatOptions?: readonly string[];
}

/**
 * Mounts a device, making a file system on it only if it is blank: any signature at all (file system, partition table,
 * RAID or LVM member) forbids it, and so does a probe that failed. A file system that is there is checked first.
 * @throws MountError
 * Source: SafeFormatAndMount.FormatAndMount of mount-utils.
 */
export async function formatAndMount(
  host: Pick<Host, 'disks' | 'mounts'>,
  request: FormatAndMountRequest,
): Promise<void> {
  const { device, target, fsType = 'ext4', options = [], formatOptions = [] } = request;
  const readOnly = options.includes('ro');
  const found = await formatOf(host, device);
  let failure: MountErrorKind = 'UnknownMountError';
  if (found === undefined) {
    if (readOnly) {
      throw new MountError(
        'UnformattedReadOnly',
        `cannot mount unformatted disk ${device} as we are manipulating it in read-only mode`,
      );
    }
    await format(host, device, target, fsType, formatOptions);
  } else {
    if (found !== fsType) failure = 'FilesystemMismatch';
    if (!readOnly) await check(host, device, found);
  }
  try {
    await host.mounts.mount({ source: device, target, fsType, options: [...options, 'defaults'] });
  } catch (error) {
    const hint =
      failure === 'FilesystemMismatch' ? ` (the device holds ${found}, ${fsType} was asked for)` : '';
    throw new MountError(failure, `mounting ${device} at ${target} failed: ${errorMessage(error)}${hint}`, {
      cause: error,
    });
  }
}

async function formatOf(host: Pick<Host, 'disks'>, device: string): Promise<string | undefined> {
  try {
    return await diskFormat(host, device);
  } catch (error) {
    throw new MountError(
      'GetDiskFormatFailed',
      `failed to get disk format of disk ${device}: ${errorMessage(error)}`,
      { cause: error },
    );
  }
}

async function format(
  host: Pick<Host, 'disks'>,
  device: string,
  target: string,
  fsType: string,
  args: readonly string[],
): Promise<void> {
  try {
    await host.disks.format(device, fsType, args);
  } catch (error) {
    throw new MountError(
      'FormatFailed',
      `format of disk ${JSON.stringify(device)} failed: type:(${JSON.stringify(fsType)}) ` +
        `target:(${JSON.stringify(target)}) error:(${errorMessage(error)})`,
      { cause: error },
    );
  }
}

async function check(host: Pick<Host, 'disks'>, device: string, fsType: string): Promise<void> {
  try {
    await host.disks.check(device, fsType);
  } catch (error) {
    throw new MountError(
      'HasFilesystemErrors',
      `'fsck' found errors on device ${device} but could not correct them: ${errorMessage(error)}`,
      { cause: error },
    );
  }
}
