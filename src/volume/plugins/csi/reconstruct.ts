import type { PersistentVolume, Stored } from '../../../kube/index.ts';
import type { ReconstructedVolume } from '../../plugin.ts';
import { csiVolumeName } from './names.ts';
import type { VolumeData } from './volume-data.ts';

/** A volume as far as its note tells of it: enough to unpublish and unstage it. */
export function reconstructedVolume(
  data: VolumeData,
  volumeMode: 'Filesystem' | 'Block' = 'Filesystem',
): ReconstructedVolume {
  const name = data.specVolID ?? data.volumeHandle;
  const { driverName: driver, volumeHandle, seLinuxMountContext: seLinuxLabel } = data;
  if (data.volumeLifecycleMode === 'Ephemeral') {
    return { spec: { name, volume: { name, csi: { driver } }, readOnly: false }, volumeName: name };
  }
  const persistentVolume: Stored<PersistentVolume> = {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name, uid: '', resourceVersion: '', creationTimestamp: '' },
    spec: { csi: { driver, volumeHandle }, volumeMode },
  };
  return {
    spec: { name, persistentVolume, readOnly: false },
    volumeName: csiVolumeName(driver, volumeHandle),
    ...(seLinuxLabel ? { seLinuxLabel } : {}),
  };
}
