import { fieldsOf } from '../shared/record-files.ts';

/** An NFS export. */
export interface Export {
  /** Host name or address. */
  readonly server: string;
  /** The path that it exports; begins with a slash. */
  readonly share: string;
}

/** What becomes of a volume's directory when the volume is deleted. */
export type OnDelete = 'delete' | 'retain' | 'archive';

/**
 * How far a volume or snapshot is. What is on its way in or out has a record before anything else is done, so that the
 * next run knows what to carry to its end or to take back.
 */
export type State = 'creating' | 'ready' | 'deleting';

/** What the driver keeps of a volume. */
export interface NasVolume {
  readonly id: string;
  /** The name that CreateVolume was called with. */
  readonly name: string;
  readonly state: State;
  /** @default the driver's own directory */
  readonly export?: Export;
  /** Its directory, relative to its share. */
  readonly path: string;
  readonly sizeBytes: string;
  readonly onDelete: OnDelete;
  /** The directory was there before the volume. */
  readonly adopted?: true;
  /** What its quota is counted under; without, nothing holds it to its size. */
  readonly quotaId?: number;
  /** What it was made of. */
  readonly source?: Source;
}

export type Source = { readonly snapshotId: string } | { readonly volumeId: string };

/** What the driver keeps of a snapshot. */
export interface NasSnapshot {
  readonly id: string;
  readonly name: string;
  readonly state: State;
  readonly export?: Export;
  readonly sourceVolumeId: string;
  readonly sizeBytes: string;
  /** Milliseconds since the epoch. */
  readonly createdAtMs: number;
}

/** @throws Error that names the file, for anything that the driver has not written there. */
export function parseVolume(text: string, path: string, id: string): NasVolume {
  const fields = fieldsOf(text) as Partial<Record<keyof NasVolume, unknown>>;
  const { quotaId, adopted, source } = fields;
  const isWhole =
    isThing(fields, id) &&
    typeof fields.path === 'string' &&
    ['delete', 'retain', 'archive'].includes(fields.onDelete as string) &&
    (quotaId === undefined || Number.isSafeInteger(quotaId)) &&
    (adopted === undefined || adopted === true) &&
    (source === undefined || isSource(source));
  if (!isWhole)
    throw new Error(`${path} is not the record of volume ${id}; move it away to start the driver`);
  return fields as unknown as NasVolume;
}

/** @throws Error that names the file, for anything that the driver has not written there. */
export function parseSnapshot(text: string, path: string, id: string): NasSnapshot {
  const fields = fieldsOf(text) as Partial<Record<keyof NasSnapshot, unknown>>;
  const isWhole =
    isThing(fields, id) &&
    typeof fields.sourceVolumeId === 'string' &&
    typeof fields.createdAtMs === 'number';
  if (!isWhole)
    throw new Error(`${path} is not the record of snapshot ${id}; move it away to start the driver`);
  return fields as unknown as NasSnapshot;
}

/** What volumes and snapshots have alike. */
function isThing(fields: Partial<Record<keyof (NasVolume | NasSnapshot), unknown>>, id: string): boolean {
  const { name, state, sizeBytes, export: from } = fields;
  const isExport = ({ server, share }: Partial<Record<keyof Export, unknown>>) =>
    typeof server === 'string' && typeof share === 'string';
  return (
    fields.id === id &&
    typeof name === 'string' &&
    ['creating', 'ready', 'deleting'].includes(state as string) &&
    typeof sizeBytes === 'string' &&
    /^[1-9]\d{0,18}$/.test(sizeBytes) &&
    (from === undefined || (typeof from === 'object' && from !== null && isExport(from)))
  );
}

function isSource(value: unknown): value is Source {
  const { snapshotId, volumeId } = (value ?? {}) as { snapshotId?: unknown; volumeId?: unknown };
  return typeof (snapshotId ?? volumeId) === 'string';
}
