import type { CSIDriver, Pod } from '../../../kube/index.ts';
import type { LifecycleMode } from './source.ts';

/** What a CSIDriver object (there may be none) decides about the volumes of its driver. Source: pkg/volume/csi. */

/** No object: attach, to be safe. */
export function attachRequired(driver: CSIDriver | undefined): boolean {
  return driver?.spec.attachRequired ?? true;
}

export function requiresRepublish(driver: CSIDriver | undefined): boolean {
  return driver?.spec.requiresRepublish ?? false;
}

/** The label to mount with; undefined where the driver does not take one (SupportsSELinuxContextMount), or none matters. */
export function seLinuxLabel(driver: CSIDriver | undefined, label: string | undefined): string | undefined {
  return driver?.spec.seLinuxMount && label ? label : undefined;
}

/** How often the driver is asked anew how many volumes the node takes; undefined: never. */
export function allocatableUpdatePeriodMs(driver: CSIDriver | undefined): number | undefined {
  const seconds = driver?.spec.nodeAllocatableUpdatePeriodSeconds;
  return seconds ? seconds * 1000 : undefined;
}

/** Why volumes of this mode cannot be used with the driver; `undefined` when they can. */
export function unsupportedMode(
  driver: CSIDriver | undefined,
  name: string,
  mode: LifecycleMode,
): string | undefined {
  if (!driver) {
    if (mode === 'Persistent') return undefined;
    return `volume mode "${mode}" not supported by driver ${name} (no CSIDriver object)`;
  }
  const modes = driver.spec.volumeLifecycleModes ?? ['Persistent'];
  if (modes.includes(mode)) return undefined;
  const listed = modes.map((each) => JSON.stringify(each)).join(' ');
  return `volume mode "${mode}" not supported by driver ${name} (only supports [${listed}])`;
}

/** The attributes that describe a pod to a driver that asked for them (podInfoOnMount). */
export function podInfo(
  driver: CSIDriver | undefined,
  pod: Pod,
  mode: LifecycleMode,
): Readonly<Record<string, string>> {
  if (!driver?.spec.podInfoOnMount) return {};
  return {
    'csi.storage.k8s.io/pod.name': pod.metadata?.name ?? '',
    'csi.storage.k8s.io/pod.namespace': pod.metadata?.namespace ?? '',
    'csi.storage.k8s.io/pod.uid': pod.metadata?.uid ?? '',
    'csi.storage.k8s.io/serviceAccount.name': pod.spec?.serviceAccountName ?? '',
    'csi.storage.k8s.io/ephemeral': String(mode === 'Ephemeral'),
  };
}

export interface OwnershipQuestion {
  readonly fsGroup: number | undefined;
  readonly readOnly: boolean;
  readonly fsType: string;
  readonly mode: LifecycleMode;
  /** Of a persistent volume. */
  readonly accessModes: readonly string[] | undefined;
}

/** Whether the node gives the volume to the pod's fsGroup (a driver with VOLUME_MOUNT_GROUP does it itself). */
export function changesOwnership(driver: CSIDriver | undefined, question: OwnershipQuestion): boolean {
  if (question.fsGroup === undefined || question.readOnly) return false;
  switch (driver?.spec.fsGroupPolicy ?? 'ReadWriteOnceWithFSType') {
    case 'None':
      return false;
    case 'File':
      return true;
    default:
      if (question.fsType === '') return false;
      if (question.mode === 'Ephemeral') return true;
      return (question.accessModes ?? []).some(
        (mode) => mode === 'ReadWriteOnce' || mode === 'ReadWriteOncePod',
      );
  }
}
