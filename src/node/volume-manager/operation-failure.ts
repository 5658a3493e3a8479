import { errorMessage } from '../../base/index.ts';
import type { VolumeSpec } from '../../volume/index.ts';

/** `MountVolume.SetUp failed for volume "pvc-…" : why`, as upstream's GenerateError words it. */
export function failure(step: string, spec: VolumeSpec, cause: unknown): Error {
  const why = cause === undefined ? '' : `: ${errorMessage(cause)}`;
  return new Error(`${step} for volume ${JSON.stringify(spec.name)} ${why}`, { cause });
}
