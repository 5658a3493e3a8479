import type { PersistentVolume, Stored } from '../../../kube/index.ts';
import type { ReconstructedVolume } from '../../plugin.ts';

/** What the name of a directory tells of a local volume: enough to undo its mounts. */
export function reconstructedLocal(
  name: string,
  volumeMode: 'Filesystem' | 'Block' = 'Filesystem',
): ReconstructedVolume {
  const spec = { local: { path: '' }, volumeMode };
  const persistentVolume = { metadata: { name }, spec } as Stored<PersistentVolume>;
  return { spec: { name, persistentVolume, readOnly: false }, volumeName: name };
}
