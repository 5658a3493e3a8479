import type { Container, PersistentVolume, Pod, Volume } from '../../../../kube/index.ts';

/** What a pod's node has to read for it. */
export type ReferenceKind = 'secret' | 'configMap' | 'claim' | 'serviceAccount' | 'pod';

export interface Reference {
  readonly kind: ReferenceKind;
  readonly name: string;
}

const ANN_MIRROR_POD = 'kubernetes.io/config.mirror';

/**
 * The objects in its own namespace that a pod's node may read for it, the pod among them. A mirror pod opens no doors: a
 * node makes those by itself.
 */
export function referencesOf(pod: Pod): readonly Reference[] {
  const itself: Reference = { kind: 'pod', name: pod.metadata?.name ?? '' };
  const isMirror = pod.metadata?.annotations?.[ANN_MIRROR_POD] !== undefined;
  return isMirror ? [itself] : [itself, ...referencesOfSpec(pod)];
}

/** The objects in its own namespace that a pod's spec names. */
export function referencesOfSpec({ spec, metadata }: Pod): readonly Reference[] {
  const references: Reference[] = [];
  const add = (kind: ReferenceKind, name: string | undefined) => {
    if (name) references.push({ kind, name });
  };
  if (!spec) return references;
  add('serviceAccount', spec.serviceAccountName);
  for (const { name } of spec.imagePullSecrets ?? []) add('secret', name);
  const containers = [
    ...(spec.initContainers ?? []),
    ...spec.containers,
    ...(spec.ephemeralContainers ?? []),
  ] as readonly Container[];
  for (const container of containers) ofContainer(container, add);
  for (const volume of spec.volumes ?? []) ofVolume(volume, metadata?.name ?? '', add);
  return references;
}

type Add = (kind: ReferenceKind, name: string | undefined) => void;

function ofContainer({ env, envFrom }: Container, add: Add): void {
  for (const { valueFrom } of env ?? []) {
    add('secret', valueFrom?.secretKeyRef?.name);
    add('configMap', valueFrom?.configMapKeyRef?.name);
  }
  for (const { secretRef, configMapRef } of envFrom ?? []) {
    add('secret', secretRef?.name);
    add('configMap', configMapRef?.name);
  }
}

function ofVolume(volume: Volume, podName: string, add: Add): void {
  add('claim', volume.persistentVolumeClaim?.claimName);
  if (volume.ephemeral) add('claim', `${podName}-${volume.name}`);
  add('configMap', volume.configMap?.name);
  add('secret', volume.secret?.secretName);
  for (const source of volume.projected?.sources ?? []) {
    add('secret', source.secret?.name);
    add('configMap', source.configMap?.name);
  }
  add('secret', volume.azureFile?.secretName);
  add('secret', volume.csi?.nodePublishSecretRef?.name);
  const withSecret = [volume.cephfs, volume.cinder, volume.flexVolume, volume.rbd];
  for (const source of [...withSecret, volume.scaleIO, volume.iscsi, volume.storageos])
    add('secret', source?.secretRef?.name);
}

/** The secrets, `namespace/name`, that the node of a volume's pod has to read. */
export function nodeSecretsOf({ spec }: PersistentVolume): readonly string[] {
  const claimNamespace = spec?.claimRef?.namespace;
  if (!spec || !claimNamespace) return [];
  const { csi, azureFile } = spec;
  const found = [
    [csi?.nodePublishSecretRef?.namespace, csi?.nodePublishSecretRef?.name],
    [csi?.nodeStageSecretRef?.namespace, csi?.nodeStageSecretRef?.name],
    [csi?.nodeExpandSecretRef?.namespace, csi?.nodeExpandSecretRef?.name],
    [azureFile?.secretNamespace || claimNamespace, azureFile?.secretName],
    ...[spec.cephfs, spec.cinder, spec.flexVolume, spec.rbd, spec.scaleIO, spec.iscsi, spec.storageos].map(
      (source) => [source?.secretRef?.namespace || claimNamespace, source?.secretRef?.name],
    ),
  ];
  return found.flatMap(([namespace, name]) => (namespace && name ? [`${namespace}/${name}`] : []));
}
