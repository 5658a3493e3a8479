import {
  ANN_PROVISIONED_BY,
  annotation,
  formatBytes,
  LABEL_HOSTNAME,
  type Node,
  type PersistentVolume,
  type StorageClass,
  type Stored,
} from '../../kube/index.ts';
import { roundDown } from './capacity.ts';
import type { ClassConfig, ProvisionerConfig } from './config.ts';
import { provisionerName, volumeName } from './names.ts';

/** A volume that was found. */
export interface Found {
  readonly file: string;
  readonly className: string;
  readonly class: StorageClass;
  readonly config: ClassConfig;
  readonly capacityBytes: bigint;
}

/** Its PersistentVolume. Source: CreateLocalPVSpec and createPV of the discoverer. */
export function volumeObject(found: Found, node: Stored<Node>, config: ProvisionerConfig): PersistentVolume {
  const { file, className, config: of } = found;
  const { mountOptions } = found.class;
  return {
    metadata: {
      name: volumeName(file, node.metadata.name, className),
      labels: labelsOf(node, config),
      annotations: { [ANN_PROVISIONED_BY]: provisionerName(node, config.useNodeNameOnly) },
      ...(config.setPVOwnerRef && {
        ownerReferences: [
          { apiVersion: 'v1', kind: 'Node', name: node.metadata.name, uid: node.metadata.uid },
        ],
      }),
    },
    spec: {
      persistentVolumeReclaimPolicy: found.class.reclaimPolicy ?? 'Delete',
      capacity: { storage: formatBytes(roundDown(found.capacityBytes)) },
      local: { path: hostPathOf(file, of), ...(of.fsType !== undefined && { fsType: of.fsType }) },
      accessModes: [of.accessMode ?? 'ReadWriteOnce'],
      storageClassName: className,
      volumeMode: of.volumeMode,
      ...(mountOptions && mountOptions.length > 0 && { mountOptions }),
      nodeAffinity: {
        required: {
          nodeSelectorTerms: [
            {
              matchExpressions: [
                { key: LABEL_HOSTNAME, operator: 'In', values: [node.metadata.labels![LABEL_HOSTNAME]!] },
              ],
            },
            ...of.selector,
          ],
        },
      },
    },
  };
}

export function hostPathOf(file: string, { hostDir }: ClassConfig): string {
  return `${hostDir === '/' ? '' : hostDir}/${file}`;
}

function labelsOf({ metadata }: Node, config: ProvisionerConfig): Record<string, string> | undefined {
  const labels: Record<string, string> = {};
  for (const name of config.nodeLabelsForPV) {
    const value = metadata?.labels?.[name];
    if (value !== undefined) labels[name] = value;
  }
  Object.assign(labels, config.labelsForPV);
  return Object.keys(labels).length > 0 ? labels : undefined;
}

/**
 * Whether this node's provisioner has made the volume, also when it was called by more than the node's name then. Source:
 * handlePVUpdate of the populator.
 */
export function isOurs(volume: PersistentVolume, node: Node, useNodeNameOnly: boolean): boolean {
  const by = annotation(volume, ANN_PROVISIONED_BY);
  const name = provisionerName(node, useNodeNameOnly);
  if (by === undefined || by === name) return by === name;
  const isOfNode = volume.metadata?.labels?.[LABEL_HOSTNAME] === node.metadata?.name;
  return useNodeNameOnly && isOfNode && by.startsWith(`${name}-`);
}
