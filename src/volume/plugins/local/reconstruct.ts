import type { PersistentVolume, Stored } from '../../../kube/index.ts';
import type { ReconstructedVolume } from '../../plugin.ts';

/** What the name of a directory tells of a local volume: enough to undo its mounts. */
export function reconstructedLocal(name: string): ReconstructedVolume {
  const persistentVolume = { metadata: { name }, spec: { local: { path: '' } } } as Stored<PersistentVolume>;
  return { spec: { name, persistentVolume, readOnly: false }, volumeName: name };
}
