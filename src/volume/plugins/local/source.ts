import { join } from 'node:path';
import type { Files } from '../../../host/index.ts';
import type { PersistentVolume } from '../../../kube/index.ts';
import { pluginDirectory } from '../../paths.ts';
import type { VolumeSpec } from '../../plugin.ts';
import { fileKind } from '../file-kind.ts';

export const LOCAL_PLUGIN = 'kubernetes.io/local-volume';

type LocalSource = NonNullable<NonNullable<PersistentVolume['spec']>['local']>;

/** A local volume is a PersistentVolume always: only that says on which node it is. */
export function sourceOf(spec: VolumeSpec): LocalSource {
  const source = spec.persistentVolume?.spec?.local;
  if (!source) throw new Error('Spec does not reference a Local volume type');
  return source;
}

/**
 * Whether the volume is a directory, or a device with a file system that has to be mounted.
 * @throws Error with upstream's text when it is neither. Source: getGlobalLocalPath, pkg/volume/local.
 */
export async function kindOfLocal(
  files: Pick<Files, 'realPath' | 'stat'>,
  spec: VolumeSpec,
): Promise<'directory' | 'block'> {
  const path = spec.persistentVolume?.spec?.local?.path;
  if (!path) throw new Error('local volume source is nil or local path is not set');
  const kind = await fileKind(files, path);
  if (kind === undefined) throw new Error(`path ${JSON.stringify(path)} does not exist`);
  if (kind !== 'directory' && kind !== 'block')
    throw new Error('only directory and block device are supported');
  return kind;
}

/** Where devices are mounted, once a node. */
export function mountsDirectory(nodeRoot: string): string {
  return join(pluginDirectory(nodeRoot, LOCAL_PLUGIN), 'mounts');
}
