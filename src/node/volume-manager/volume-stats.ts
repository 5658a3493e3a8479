import { join } from 'node:path';
import type { Host } from '../../host/index.ts';
import { fileSystemStats, type VolumeStats } from '../../volume/index.ts';
import type { ActualStateOfWorld, PodMount } from './actual-state-of-world.ts';
import type { DesiredStateOfWorld } from './desired-state-of-world.ts';
import { isBlock } from './volume-places.ts';

/** How full the volumes are that a pod has, by their names in the pod. What cannot be measured now is left out. */
export async function volumeStatsOfPod(
  host: Pick<Host, 'files' | 'disks'>,
  desired: DesiredStateOfWorld,
  actual: ActualStateOfWorld,
  podUid: string,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, VolumeStats>> {
  const stats = new Map<string, VolumeStats>();
  const measure = async (name: string, mount: PodMount) => {
    const measured = await statsOf(host, mount, signal).catch(() => undefined);
    if (measured) stats.set(name, measured);
  };
  const mounts = [...desired.volumeNamesForPod(podUid)].flatMap(([name, volumeName]) => {
    const mount = actual.podMount(podUid, volumeName);
    return mount?.state === 'mounted' ? [measure(name, mount)] : [];
  });
  await Promise.all(mounts);
  return stats;
}

async function statsOf(
  { files, disks }: Pick<Host, 'files' | 'disks'>,
  { plugin, spec, podUid }: PodMount,
  signal: AbortSignal,
): Promise<VolumeStats | undefined> {
  const block = isBlock(spec);
  const path = block
    ? join(plugin.blockMapper!.globalMapPath(spec), podUid)
    : plugin.mounter.podPath(spec, podUid);
  if (plugin.stats) return await plugin.stats({ spec, podUid, path, signal });
  // How much of a device is used only its user knows (MetricsBlock).
  if (block) return { capacity: Number(await disks.sizeBytes(path)) };
  return await fileSystemStats(files, path);
}
