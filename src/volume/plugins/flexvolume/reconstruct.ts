import type { ReconstructedVolume } from '../../plugin.ts';

/** A volume as far as its directory tells of it: enough to unmount it. Source: ConstructVolumeSpec. */
export function reconstructedFlexVolume(driver: string, name: string): ReconstructedVolume {
  return {
    spec: { name, volume: { name, flexVolume: { driver } }, readOnly: false },
    volumeName: name,
  };
}
