import type { CsiClient } from '../../csi/index.ts';

/** Whether something is wrong with a volume, in the driver's words. */
export interface VolumeCondition {
  readonly abnormal: boolean;
  readonly message: string;
}

const NOTHING_SAID: VolumeCondition = { abnormal: false, message: '' };

/** The condition of every volume that the driver lists, by its handle. */
export async function listConditions(
  csi: CsiClient,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, VolumeCondition>> {
  const conditions = new Map<string, VolumeCondition>();
  let startingToken = '';
  do {
    const { entries, nextToken } = await csi.controller.listVolumes(
      { startingToken },
      { signal, timeoutMs: Infinity },
    );
    for (const { volume, status } of entries)
      if (volume) conditions.set(volume.volumeId, status?.volumeCondition ?? NOTHING_SAID);
    startingToken = nextToken;
  } while (startingToken !== '');
  return conditions;
}

export async function conditionOf(
  csi: CsiClient,
  volumeId: string,
  signal: AbortSignal,
): Promise<VolumeCondition> {
  const { status } = await csi.controller.controllerGetVolume({ volumeId }, { signal, timeoutMs: Infinity });
  return status?.volumeCondition ?? NOTHING_SAID;
}
