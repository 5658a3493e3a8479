import {
  ANN_CONTROLLER_MODIFY_SECRET_NAME,
  ANN_CONTROLLER_MODIFY_SECRET_NAMESPACE,
  ANN_PROVISIONED_BY,
  ANN_PROVISIONER_DELETION_SECRET_NAME,
  ANN_PROVISIONER_DELETION_SECRET_NAMESPACE,
  claimClass,
  FINALIZER_EXTERNAL_PROVISIONER,
  formatBytes,
  type PersistentVolume,
  type PersistentVolumeClaim,
  referenceTo,
  type StorageClass,
  type Stored,
  type VolumeNodeAffinity,
  volumeModeOf,
} from '../../kube/index.ts';
import type { VolumeRequest } from './volume-request.ts';

/** The volume attribute that says which run of which provisioner made the volume. */
const IDENTITY_KEY = 'storage.kubernetes.io/csiProvisionerIdentity';

/** What of csi.Volume the object tells. */
export interface MadeVolume {
  readonly volumeId: string;
  readonly capacityBytes: bigint;
  readonly volumeContext: Readonly<Record<string, string>>;
  readonly accessibleTopology: readonly { readonly segments: Readonly<Record<string, string>> }[];
}

export interface NewVolume {
  readonly claim: Stored<PersistentVolumeClaim>;
  readonly storageClass: StorageClass;
  readonly request: VolumeRequest;
  /** What the driver made. A capacity of 0 means that it does not know. */
  readonly made: MadeVolume;
  readonly driver: string;
  readonly identity: string;
  readonly supportsTopology: boolean;
  readonly readOnly: boolean;
}

/** The PersistentVolume of a new volume, bound to its claim. Source: Provision of external-provisioner. */
export function newPersistentVolume(input: NewVolume): PersistentVolume {
  const { claim, storageClass, request, made } = input;
  const references = request.secretReferences;
  const bytes = made.capacityBytes === 0n ? request.requiredBytes : made.capacityBytes;
  const modify = references['controller-modify'];
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: {
      name: request.name,
      annotations: {
        [ANN_PROVISIONED_BY]: storageClass.provisioner,
        // Empty when there is no secret, which tells it from a volume of times that did not write it down.
        [ANN_PROVISIONER_DELETION_SECRET_NAME]: references.provisioner?.name ?? '',
        [ANN_PROVISIONER_DELETION_SECRET_NAMESPACE]: references.provisioner?.namespace ?? '',
        ...(modify && {
          [ANN_CONTROLLER_MODIFY_SECRET_NAME]: modify.name,
          [ANN_CONTROLLER_MODIFY_SECRET_NAMESPACE]: modify.namespace,
        }),
      },
      // Upstream sets it for every policy and takes it away again unless that is Delete; this saves the second write.
      ...(storageClass.reclaimPolicy !== 'Retain' && { finalizers: [FINALIZER_EXTERNAL_PROVISIONER] }),
    },
    spec: {
      accessModes: claim.spec?.accessModes,
      capacity: { storage: formatBytes(bytes) },
      claimRef: referenceTo(claim),
      csi: {
        driver: input.driver,
        volumeHandle: made.volumeId,
        volumeAttributes: { [IDENTITY_KEY]: input.identity, ...made.volumeContext },
        ...(input.readOnly && { readOnly: true }),
        ...(volumeModeOf(claim) !== 'Block' && request.fsType !== '' && { fsType: request.fsType }),
        controllerPublishSecretRef: references['controller-publish'],
        nodeStageSecretRef: references['node-stage'],
        nodePublishSecretRef: references['node-publish'],
        controllerExpandSecretRef: references['controller-expand'],
        nodeExpandSecretRef: references['node-expand'],
      },
      mountOptions: storageClass.mountOptions,
      nodeAffinity: input.supportsTopology ? nodeAffinityOf(made.accessibleTopology) : undefined,
      persistentVolumeReclaimPolicy: storageClass.reclaimPolicy,
      storageClassName: claimClass(claim),
      volumeAttributesClassName: claim.spec?.volumeAttributesClassName || undefined,
      volumeMode: claim.spec?.volumeMode,
    },
  };
}

/** The nodes that can reach the volume: any of the places, each with all its keys. Undefined: every node. */
export function nodeAffinityOf(
  places: readonly { readonly segments: Readonly<Record<string, string>> }[],
): VolumeNodeAffinity | undefined {
  if (places.length === 0) return undefined;
  const nodeSelectorTerms = places
    .map(({ segments }) => Object.entries(segments).sort(([a], [b]) => (a < b ? -1 : 1)))
    .filter(({ length }) => length > 0)
    .map((segments) => ({
      matchExpressions: segments.map(([key, value]) => ({ key, operator: 'In', values: [value] })),
    }));
  return { required: { nodeSelectorTerms } };
}
