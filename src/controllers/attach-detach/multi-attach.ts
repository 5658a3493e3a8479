import type { Pod, Stored } from '../../kube/index.ts';
import type { VolumeSpec } from '../../volume/index.ts';
import { volumeMessage } from './messages.ts';

/**
 * Whether a volume may be attached to several nodes at once. Unknown (no spec, no access modes, a volume written in
 * the pod) counts as yes: its attacher will refuse. Rule: volume/util IsMultiAttachAllowed.
 */
export function isMultiAttachAllowed(spec: VolumeSpec | undefined): boolean {
  const modes = spec?.persistentVolume?.spec?.accessModes ?? [];
  return modes.length === 0 || modes.some((mode) => mode === 'ReadWriteMany' || mode === 'ReadOnlyMany');
}

/**
 * What to tell a pod whose volume is attached exclusively to another node, where `users` need it. Names of pods in
 * other namespaces stay untold.
 */
export function multiAttachMessage(
  volumeName: string,
  pod: Stored<Pod>,
  users: readonly Stored<Pod>[],
): string {
  return volumeMessage('Multi-Attach error', volumeName, because(pod, users));
}

function because(pod: Stored<Pod>, users: readonly Stored<Pod>[]): string {
  if (users.length === 0) {
    return "Volume is already exclusively attached to one node and can't be attached to another";
  }
  const local = users.filter((user) => user.metadata.namespace === pod.metadata.namespace);
  const others = users.length - local.length;
  if (local.length === 0) return `Volume is already used by ${others} pod(s) in different namespaces`;
  const names = local.map((user) => user.metadata.name).join(', ');
  const rest = others > 0 ? ` and ${others} pod(s) in different namespaces` : '';
  return `Volume is already used by pod(s) ${names}${rest}`;
}
