import type { Clock } from '../../base/index.ts';
import type { Host } from '../../host/index.ts';
import { setVolumeOwnership } from '../ownership/set-volume-ownership.ts';
import type { MountContext } from '../plugin.ts';
import {
  type NodePluginOptions,
  setUpEmptyDirectory,
  tearDownEmptyDirectory,
} from '../plugins/empty-dir/index.ts';
import { type Payload, writePayload } from './atomic-writer.ts';
import { makeNestedMountPoints } from './nested-mount-points.ts';

export interface ProjectedVolume {
  readonly path: string;
  readonly name: string;
  /** '' or Memory. */
  readonly medium: string;
}

/** Sets up a volume whose files come from the API: an empty directory, filled and refreshed atomically, read-only. */
export async function setUpProjectedVolume(
  options: NodePluginOptions & { readonly clock: Clock },
  volume: ProjectedVolume,
  payload: Payload,
  context: MountContext,
): Promise<void> {
  const { host, clock } = options;
  const podUid = context.pod.metadata.uid;
  const directory = { path: volume.path, name: wrappedName(volume.name), podUid };
  await setUpEmptyDirectory(options, { ...directory, medium: volume.medium, pod: context.pod }, context);
  try {
    await makeNestedMountPoints(host.files, volume.path, volume.name, context.pod);
    await writePayload(host.files, volume.path, payload, {
      nowMs: clock.now(),
      beforePublish: async () => {
        await setVolumeOwnership(host.files, {
          path: volume.path,
          fsGroup: context.fsGroup,
          readOnly: true,
          signal: context.signal,
        });
      },
    });
  } catch (error) {
    // A pod that uses the volume keeps the old content.
    if (!context.isRemount && !context.isReconstructed)
      await tearDownProjectedVolume(options, volume.path, volume.name, podUid).catch(() => undefined);
    throw error;
  }
}

export async function tearDownProjectedVolume(
  options: { readonly host: Host; readonly nodeRoot: string },
  path: string,
  name: string,
  podUid: string,
): Promise<void> {
  await tearDownEmptyDirectory(options.host, options.nodeRoot, { path, name: wrappedName(name), podUid });
}

function wrappedName(name: string): string {
  return `wrapped_${name}`;
}
