import { createHash } from 'node:crypto';

/** What the pool keeps of a volume in a file beside its image: written once, and the sign that the volume exists. */
export interface VolumeRecord {
  readonly id: string;
  /** The name that CreateVolume was called with. */
  readonly name: string;
  readonly sizeBytes: string;
  readonly accessType: 'mount' | 'block';
  /** The file system asked for; absent for raw block. */
  readonly fsType?: string;
  /** Where the volume is, as far as it was asked for: topology segments. */
  readonly topology?: Readonly<Record<string, string>>;
}

/** Where a volume is published: a file of its own, so that unpublishing needs no space on a pool that is full. */
export interface Publication {
  readonly nodeId: string;
  readonly readOnly: boolean;
}

/** What may be a file's name as it is: volume handles of this driver, and names that can serve as one. */
const SAFE_NAME = /^[A-Za-z0-9][-A-Za-z0-9_.]{0,127}$/;

/** The handle of the volume that CreateVolume with this name makes: always the same one, and safe in a path. */
export function volumeIdOf(name: string): string {
  return SAFE_NAME.test(name) ? name : `vol-${createHash('sha256').update(name).digest('hex').slice(0, 40)}`;
}

/** Whether the text could be a handle of ours. Only such text is ever a piece of a path. */
export function isVolumeId(text: string): boolean {
  return SAFE_NAME.test(text);
}

/** @throws Error that names the file, for anything that the driver has not written there. */
export function parseRecord(text: string, path: string, id: string): VolumeRecord {
  const { name, sizeBytes, accessType, fsType, topology, ...rest } = fieldsOf(text);
  if (
    rest.id !== id ||
    typeof name !== 'string' ||
    typeof sizeBytes !== 'string' ||
    !/^[1-9]\d{0,18}$/.test(sizeBytes) ||
    (accessType !== 'mount' && accessType !== 'block') ||
    (fsType !== undefined && typeof fsType !== 'string') ||
    (topology !== undefined && !isTopology(topology))
  ) {
    throw new Error(`${path} is not the record of volume ${id}; move it and the image away to open the pool`);
  }
  return {
    id,
    name,
    sizeBytes,
    accessType,
    ...(fsType === undefined ? {} : { fsType }),
    ...(topology === undefined ? {} : { topology }),
  };
}

function isTopology(value: unknown): value is Readonly<Record<string, string>> {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.values(value).every((one) => typeof one === 'string')
  );
}

/** @throws Error that names the file, for anything that the driver has not written there. */
export function parsePublication(text: string, path: string): Publication {
  const { nodeId, readOnly } = fieldsOf(text);
  if (typeof nodeId !== 'string' || nodeId === '' || typeof readOnly !== 'boolean')
    throw new Error(`${path} does not say where its volume is published; move it away to open the pool`);
  return { nodeId, readOnly };
}

function fieldsOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}
