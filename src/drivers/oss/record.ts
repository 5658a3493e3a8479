import { fieldsOf } from '../shared/record-files.ts';
import type { Location } from './location.ts';

/**
 * What the driver writes into a bucket about a volume that it has made, beside the volume: what is without it is somebody
 * else's, and is never deleted. It is with the data, so that the controller can run anywhere and lose nothing.
 */
export interface VolumeRecord {
  /** The name that CreateVolume was called with. */
  readonly name: string;
  /** The size that was asked for; nothing enforces it. */
  readonly capacityBytes: string;
  /** The attributes that the volume was given. */
  readonly context: Readonly<Record<string, string>>;
}

/** The key of a volume's record: beside its prefix, or, of a bucket of its own, in that. */
export function recordKey({ prefix }: Location): string {
  return prefix === '' ? '.stowage.json' : `.stowage/${prefix}.json`;
}

/** Undefined for anything that the driver has not written: a pod can write into a bucket of its own. */
export function parseVolumeRecord(text: string): VolumeRecord | undefined {
  const { name, capacityBytes, context } = fieldsOf(text);
  const isContext =
    typeof context === 'object' &&
    context !== null &&
    Object.values(context).every((value) => typeof value === 'string');
  if (typeof name !== 'string' || !/^\d{1,19}$/.test(`${capacityBytes}`) || !isContext) return undefined;
  return { name, capacityBytes: `${capacityBytes}`, context: context as VolumeRecord['context'] };
}

export function volumeRecordText(record: VolumeRecord): string {
  return `${JSON.stringify(record)}\n`;
}
