import { fieldsOf } from '../shared/record-files.ts';

/** A volume at its global path on a node, and the process that serves it. No credentials: who mounts it again brings them. */
export interface Staging {
  readonly volumeId: string;
  /** As the mount table has it. */
  readonly path: string;
  readonly mounter: string;
  /** What it was mounted with, as a text that is the same for the same. */
  readonly asked: string;
  readonly pid: number;
  /** Tells the process from a later one with the same number. */
  readonly startTicks: string;
}

/** @throws Error that names the file, for anything that the driver has not written there. */
export function parseStaging(text: string, file: string): Staging {
  const { volumeId, path, mounter, asked, pid, startTicks } = fieldsOf(text);
  if (
    typeof volumeId !== 'string' ||
    typeof path !== 'string' ||
    typeof mounter !== 'string' ||
    typeof asked !== 'string' ||
    typeof pid !== 'number' ||
    !/^\d+$/.test(`${startTicks}`)
  )
    throw new Error(`${file} is not the record of a volume that is mounted; move it away`);
  return { volumeId, path, mounter, asked, pid, startTicks: `${startTicks}` };
}
