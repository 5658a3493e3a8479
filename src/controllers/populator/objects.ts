import {
  ANN_SELECTED_NODE,
  type KubeObject,
  type PersistentVolumeClaim,
  type Pod,
  type StorageClass,
  type Stored,
  volumeModeOf,
} from '../../kube/index.ts';
import { selectedNode } from './plan.ts';
import { namesOf, type PodPopulation, podName, primeName } from './population.ts';

/** A claim like the one that is to be filled, without its source: the provisioner makes an empty volume for it. */
export function primeFor(
  { metadata, spec }: Stored<PersistentVolumeClaim>,
  namespace: string,
  node: string | undefined,
): PersistentVolumeClaim {
  const { accessModes, resources, storageClassName, volumeMode } = spec ?? {};
  return {
    metadata: {
      name: primeName(metadata.uid),
      namespace,
      ...(node !== undefined && { annotations: { [ANN_SELECTED_NODE]: node } }),
    },
    spec: {
      accessModes,
      resources,
      ...(storageClassName !== undefined && { storageClassName }),
      ...(volumeMode !== undefined && { volumeMode }),
    },
  };
}

/** The pod that fills the volume of the prime claim, on the node where the claim's pod is to run. Source: MakePopulatePodSpec. */
export async function podFor(
  claim: Stored<PersistentVolumeClaim>,
  source: Stored<KubeObject>,
  population: PodPopulation,
  { namespace, node }: { readonly namespace: string; readonly node: string | undefined },
): Promise<Pod> {
  const { image, command, mountPath, devicePath } = population;
  const rawBlock = volumeModeOf(claim) === 'Block';
  const name = 'target';
  return {
    metadata: { name: podName(claim.metadata.uid), namespace },
    spec: {
      containers: [
        {
          name: 'populate',
          image,
          imagePullPolicy: 'IfNotPresent',
          ...(command && { command: [...command] }),
          args: [...(await population.args(rawBlock, source))],
          ...(rawBlock ? { volumeDevices: [{ name, devicePath }] } : { volumeMounts: [{ name, mountPath }] }),
        },
      ],
      restartPolicy: 'Never',
      volumes: [{ name, persistentVolumeClaim: { claimName: primeName(claim.metadata.uid) } }],
      ...(node !== undefined && { nodeName: node }),
    },
  };
}

/** Gives a volume to the claim, as a strategic merge. */
export function rebinding({ metadata, spec }: Stored<PersistentVolumeClaim>, prefix: string): object {
  const { namespace, name, uid, resourceVersion } = metadata;
  return {
    metadata: {
      annotations: { [namesOf(prefix).populatedFrom]: `${namespace}/${spec?.dataSourceRef?.name}` },
    },
    spec: { claimRef: { namespace, name, uid, resourceVersion } },
  };
}

/** The node where the volume must be; undefined when it need not be anywhere. */
export function nodeFor(
  claim: PersistentVolumeClaim,
  storageClass: StorageClass | undefined,
): string | undefined {
  return storageClass?.volumeBindingMode === 'WaitForFirstConsumer' ? selectedNode(claim) : undefined;
}
