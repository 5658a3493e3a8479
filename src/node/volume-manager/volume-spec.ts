import { errorMessage } from '../../base/index.ts';
import type { Client } from '../../client/index.ts';
import {
  claimNameOf,
  FINALIZER_PVC_PROTECTION,
  hasFinalizer,
  isBeingDeleted,
  notMadeFor,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type Pod,
  persistentVolumeClaims,
  persistentVolumes,
  type Stored,
  type Volume,
  volumeModeOf,
} from '../../kube/index.ts';
import { specFromPersistentVolume, specFromVolume, type VolumeSpec } from '../../volume/index.ts';
import { translateSpec } from '../../volume/migration/index.ts';
import type { UsedVolumes } from './pod-volumes.ts';

/** Why a pod must not use a claim; `undefined` when it may. Source: getPVCExtractPV of the kubelet's populator. */
export function claimProblem(claim: PersistentVolumeClaim): string | undefined {
  if (isBeingDeleted(claim) && !hasFinalizer(claim, FINALIZER_PVC_PROTECTION)) return 'PVC is being deleted';
  if (claim.status?.phase !== 'Bound') return 'PVC is not bound';
  if (!claim.spec?.volumeName) return 'PVC has empty pvc.Spec.VolumeName';
  return undefined;
}

/** Why a volume is not the claim's; `undefined` when it is. Source: getPVSpec of the kubelet's populator. */
export function volumeProblem(volume: Stored<PersistentVolume>, claimUid: string): string | undefined {
  const reference = volume.spec?.claimRef;
  const name = volume.metadata.name;
  if (!reference) {
    return `found PV object ${name} but it has a nil pv.Spec.ClaimRef indicating it is not yet bound to the claim`;
  }
  if (reference.uid !== claimUid) {
    return `found PV object ${name} but its pv.Spec.ClaimRef.UID ${reference.uid ?? ''} does not point to claim.UID ${claimUid}`;
  }
  return undefined;
}

/** Why a volume's mode is not what its containers use it for; `undefined` when it is. */
export function modeProblem(name: string, volumeMode: string, used: UsedVolumes): string | undefined {
  if (used.mounts.has(name) && volumeMode !== 'Filesystem')
    return `volume ${name} has volumeMode ${volumeMode}, but is specified in volumeMounts`;
  if (used.devices.has(name) && volumeMode !== 'Block')
    return `volume ${name} has volumeMode ${volumeMode}, but is specified in volumeDevices`;
  return undefined;
}

/**
 * What a pod's volume really is: for a claim the PersistentVolume behind it, read from the server, not from a cache:
 * mounting the volume of a claim that has been replaced would show one pod another's data.
 * @throws Error with upstream's text.
 */
export async function createVolumeSpec(
  client: Client,
  pod: Stored<Pod>,
  volume: Volume,
  used: UsedVolumes,
  signal: AbortSignal,
): Promise<VolumeSpec> {
  const claimName = claimNameOf(pod, volume);
  const namespace = pod.metadata.namespace ?? '';
  if (claimName === undefined) return translateSpec(specFromVolume(volume), namespace);
  const failed = (why: string) => new Error(`error processing PVC ${namespace}/${claimName}: ${why}`);
  const claim = await client
    .get(persistentVolumeClaims, { namespace, name: claimName }, { signal })
    .catch((error: unknown) => {
      throw failed(`failed to fetch PVC from API server: ${errorMessage(error)}`);
    });
  const problem = claimProblem(claim);
  if (problem) throw failed(problem);
  const foreign = volume.ephemeral && notMadeFor(pod, claim);
  if (foreign) throw new Error(foreign);
  const volumeName = claim.spec!.volumeName!;
  const bound = await client
    .get(persistentVolumes, { name: volumeName }, { signal })
    .catch((error: unknown) => {
      throw failed(`failed to fetch PV ${volumeName} from API server: ${errorMessage(error)}`);
    });
  const mismatch = volumeProblem(bound, claim.metadata.uid);
  if (mismatch) throw failed(mismatch);
  const wrongMode = modeProblem(volume.name, volumeModeOf(bound), used);
  if (wrongMode) throw new Error(wrongMode);
  const readOnly = volume.persistentVolumeClaim?.readOnly ?? false;
  return translateSpec(specFromPersistentVolume(bound, readOnly), namespace);
}
