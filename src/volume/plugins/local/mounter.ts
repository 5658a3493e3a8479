import { join } from 'node:path';
import type { EventRecorder } from '../../../client/index.ts';
import { cleanupMountPoint, isMountPoint } from '../../mount/index.ts';
import { setVolumeOwnership } from '../../ownership/set-volume-ownership.ts';
import { podsDirectory, podVolumeDirectory } from '../../paths.ts';
import type { MountContext, Mounter, VolumeSpec } from '../../plugin.ts';
import { mountOptionsOf } from '../../spec.ts';
import { bindsOf } from './binds.ts';
import type { LocalOptions } from './device-mounter.ts';
import { reconstructedLocal } from './reconstruct.ts';
import { kindOfLocal, LOCAL_PLUGIN, mountsDirectory, sourceOf } from './source.ts';

export interface LocalMounterOptions extends LocalOptions {
  readonly recorder: EventRecorder;
}

/** Binds the directory, or the mounted device, into the pod's. Source: SetUpAt of pkg/volume/local. */
export function createLocalMounter(options: LocalMounterOptions): Mounter {
  const { host, nodeRoot } = options;
  const podPath = (name: string, podUid: string) => podVolumeDirectory(nodeRoot, podUid, LOCAL_PLUGIN, name);
  return {
    podPath: (spec, podUid) => podPath(spec.name, podUid),
    async check(spec) {
      await kindOfLocal(host.files, spec);
    },
    setUp: (spec, mount) => setUp(options, spec, podPath(spec.name, mount.pod.metadata.uid), mount),
    tearDown: (name, podUid) => cleanupMountPoint(host, podPath(name, podUid)),
    async reconstruct(name, podUid) {
      return (await isMountPoint(host, podPath(name, podUid))) ? reconstructedLocal(name) : undefined;
    },
  };
}

async function setUp(
  options: LocalMounterOptions,
  spec: VolumeSpec,
  target: string,
  mount: MountContext,
): Promise<void> {
  const { host, nodeRoot } = options;
  const kind = await kindOfLocal(host.files, spec);
  const source = kind === 'block' ? join(mountsDirectory(nodeRoot), spec.name) : sourceOf(spec).path;
  if (source.split('/').includes('..')) throw new Error(`invalid path: ${source} must not contain '..'`);
  if (await isMountPoint(host, target)) return;
  const others = bindsOf(await host.mounts.list(), await host.files.realPath(source));
  if (mount.fsGroup !== undefined) await tellOtherGroup(options, spec, source, others, mount);
  await host.files.makeDirectory(target, 0o750);
  const mountOptions = ['bind', ...(spec.readOnly ? ['ro'] : []), ...mountOptionsOf(spec)];
  try {
    await host.mounts.mount({ source, target, options: [...new Set(mountOptions)] });
  } catch (error) {
    await cleanupMountPoint(host, target).catch(() => undefined);
    throw error;
  }
  // Who uses the volume already keeps it as it is.
  if (spec.readOnly || others.length > 0) return;
  const { fsGroup, fsGroupChangePolicy: policy, ownershipReporter: reporter, signal } = mount;
  await setVolumeOwnership(host.files, { path: target, fsGroup, policy, reporter, signal });
}

/** A volume has one group: a pod that asks for another one while the volume is in use is told. */
async function tellOtherGroup(
  { host, nodeRoot, recorder }: LocalMounterOptions,
  spec: VolumeSpec,
  source: string,
  binds: readonly string[],
  { pod, fsGroup }: MountContext,
): Promise<void> {
  if (!binds.some((bind) => bind.startsWith(`${podsDirectory(nodeRoot)}/`))) return;
  const stat = await host.files.stat(await host.files.realPath(source));
  if (!stat || stat.gid === fsGroup) return;
  const text = `The requested fsGroup is ${fsGroup}, but the volume ${spec.name} has GID ${stat.gid}. The volume may not be shareable.`;
  recorder.event(pod, 'Warning', 'AlreadyMountedVolume', text);
}
