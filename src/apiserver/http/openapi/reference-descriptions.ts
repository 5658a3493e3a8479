// The published types describe every field but those that refer to another type. What such a field is for, in our words,
// where that is more than what its type says of itself.

/** By model and field. */
const OF_FIELD: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  V1Affinity: {
    nodeAffinity: 'Which nodes the pod needs or prefers, by their labels.',
    podAffinity: 'Near which other pods the pod needs or prefers to be.',
    podAntiAffinity: 'From which other pods the pod needs or prefers to be apart.',
  },
  V1Container: {
    lifecycle: 'What is run when the container has started and before it is stopped.',
    livenessProbe: 'Finds out whether the container still works; if not, it is restarted.',
    readinessProbe: 'Finds out whether the container can serve; if not, its pod is taken out of services.',
    resources: 'What the container asks of its node, and the most that it may take.',
    securityContext: 'The rights that the container runs with. It goes before that of the pod.',
    startupProbe: 'Finds out whether the container has started; until then no other probe is run.',
  },
  V1CSINodeDriver: { allocatable: 'How many volumes of the driver the node can have attached.' },
  V1CSIPersistentVolumeSource: {
    controllerExpandSecretRef: 'The secret that the driver is given to expand the volume.',
    controllerPublishSecretRef: 'The secret that the driver is given to attach and detach the volume.',
    nodeExpandSecretRef: 'The secret that the driver is given to expand the volume on its node.',
    nodePublishSecretRef: 'The secret that the driver is given to mount the volume into a pod.',
    nodeStageSecretRef: 'The secret that the driver is given to mount the volume on its node.',
  },
  V1CSIStorageCapacity: {
    nodeTopology:
      'The nodes that can reach the storage. Absent: none can; empty: all can. It does not change.',
  },
  V1EphemeralVolumeSource: {
    volumeClaimTemplate:
      "The claim that is made for the pod, and goes with it. Its name is that of the pod, a hyphen, and that of the volume. A claim of that name which is not the pod's is never used: the pod then does not start.",
  },
  V1PersistentVolumeClaimSpec: {
    dataSource:
      'What the new volume is filled from: a snapshot (VolumeSnapshot of snapshot.storage.k8s.io) or another claim in the same namespace. Anything else is dropped. It follows dataSourceRef and the other way round, unless that one names a namespace.',
    dataSourceRef:
      'What the new volume is filled from: any object that a provisioner or volume populator knows. Unlike dataSource it takes every kind, refuses what it does not take instead of dropping it, and can name another namespace.',
    resources:
      'The least size that the volume must have. It may be raised when the class allows expansion, and lowered to not below the present capacity.',
    selector: 'Labels of the volumes that may be bound.',
  },
  V1PersistentVolumeClaimStatus: {
    modifyVolumeStatus:
      'How far a change of the VolumeAttributesClass has come; absent when none is under way.',
  },
  V1PersistentVolumeClaimTemplate: { spec: 'The spec of the claim that is made, as it is.' },
  V1PersistentVolumeSpec: {
    claimRef: 'The claim that the volume is bound to, or kept for.',
    csi: 'A volume of a CSI driver.',
    hostPath: 'A directory of the node itself, for trials on a single node.',
    local: 'A disk or directory of one node, which nodeAffinity names.',
    nfs: 'An export of an NFS server.',
    nodeAffinity: 'The nodes that can reach the volume. Pods that use it run there only.',
  },
  V1PodSpec: {
    affinity: 'Where the pod needs or prefers to run.',
    dnsConfig: 'Settings of the resolver beside those that dnsPolicy makes.',
    os: 'The operating system of the containers: linux or windows.',
    resources: 'What all containers of the pod together ask of their node, and the most that they may take.',
    securityContext: 'The rights that the containers run with, and who owns the volumes.',
  },
  V1ResourceQuotaSpec: { scopeSelector: 'Which objects the quota counts, by conditions that all must hold.' },
  V1StatefulSetSpec: {
    ordinals: 'From which number the pods are counted; from 0 by default.',
    persistentVolumeClaimRetentionPolicy:
      'What becomes of the claims when the set is deleted or scaled down. They are kept by default.',
    selector: 'The pods of the set, by their labels, which those of the template must match.',
    template: 'The pods that are made. Each is called after the set and its number.',
    updateStrategy: 'How pods are replaced when the template changes.',
  },
  V1VolumeAttachmentSource: {
    inlineVolumeSpec: 'The spec of a volume that stands in a pod, where there is no PersistentVolume.',
  },
  V1VolumeAttachmentSpec: { source: 'The volume that is to be attached.' },
  V1VolumeAttachmentStatus: {
    attachError: 'Why the last attempt to attach failed, if it did.',
    detachError: 'Why the last attempt to detach failed, if it did.',
  },
  V1VolumeNodeAffinity: { required: 'Conditions that a node has to meet.' },
};

/** Of the same field in many models. */
const OF_NAME: Readonly<Record<string, string>> = {
  creationTimestamp: 'When the object was made, by the clock of the server. Nobody can set it.',
  deletionTimestamp: 'When the object is to be gone. The server sets it when the object is deleted.',
  labelSelector: 'The objects that are meant, by their labels. Absent: none.',
  metadata: 'Name, labels and what else all objects have.',
  namespaceSelector:
    'The namespaces that are meant, by their labels. Absent: those of the list, or else the own.',
  secretRef: 'The secret that the storage is reached with.',
  selector: 'The objects that are meant, by their labels.',
  spec: 'What is asked for.',
  status: 'What was found last. Controllers write it.',
  template: 'The pods that are made.',
};

/** `undefined`: the description of its type serves. */
export function referenceDescription(model: string, field: string): string | undefined {
  const own = Object.hasOwn(OF_FIELD, model) ? OF_FIELD[model]! : {};
  if (Object.hasOwn(own, field)) return own[field];
  return Object.hasOwn(OF_NAME, field) ? OF_NAME[field] : undefined;
}
