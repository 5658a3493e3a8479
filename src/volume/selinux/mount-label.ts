import type { Pod } from '../../kube/index.ts';
import type { VolumeSpec } from '../plugin.ts';
import { seLinuxOptionsByMount } from './context.ts';
import type { SeLinux } from './selinux.ts';

/**
 * Whether volumes of these access modes are mounted with a label at all: those that one pod alone can use. For all others
 * the gate SELinuxMount is off. Source: VolumeSupportsSELinuxMount.
 */
export function supportsSeLinuxMount({ persistentVolume }: VolumeSpec): boolean {
  const modes = persistentVolume?.spec?.accessModes ?? [];
  return modes.length === 1 && modes[0] === 'ReadWriteOncePod';
}

/**
 * With what label a pod's volume is to be mounted, so that nobody has to relabel its files; undefined where it does not
 * matter: no SELinux, no label asked for, other volumes, a pod that would rather have files relabelled.
 * @param volumeName its name in the pod.
 * @throws Error if the pod's containers want different ones. Source: GetMountSELinuxLabel.
 */
export async function mountLabel(
  seLinux: SeLinux,
  pod: Pod,
  volumeName: string,
  spec: VolumeSpec,
): Promise<string | undefined> {
  if (!supportsSeLinuxMount(spec) || !(await seLinux.isEnabled())) return undefined;
  const labels = new Set<string>();
  for (const options of seLinuxOptionsByMount(pod).get(volumeName) ?? [])
    labels.add(await seLinux.fileLabel(options));
  if (labels.size > 1) throw new Error(`multiple SELinux labels found: ${[...labels].join(',')}`);
  if (pod.spec?.securityContext?.seLinuxChangePolicy === 'Recursive') return undefined;
  return [...labels][0] || undefined;
}
