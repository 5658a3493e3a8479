/**
 * Lists that a strategic merge patch merges instead of replacing, by model and field, with the key that tells their
 * items apart; '' for lists of plain values, which merge as sets. Source: the patchStrategy and patchMergeKey tags of
 * Kubernetes 1.36's API types. Every other list is replaced.
 */
export const MERGE_KEYS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  V1Container: containerLists(),
  V1ContainerStatus: { volumeMounts: 'mountPath', allocatedResourcesStatus: 'name' },
  V1CSINodeSpec: { drivers: 'name' },
  V1DaemonSetStatus: { conditions: 'type' },
  V1DeploymentStatus: { conditions: 'type' },
  V1EphemeralContainer: containerLists(),
  V1JobStatus: { conditions: 'type' },
  V1NamespaceStatus: { conditions: 'type' },
  V1NodeSpec: { podCIDRs: '' },
  V1NodeStatus: { addresses: 'type', conditions: 'type' },
  V1ObjectMeta: { finalizers: '', ownerReferences: 'uid' },
  V1PersistentVolumeClaimStatus: { conditions: 'type' },
  V1PodDisruptionBudgetStatus: { conditions: 'type' },
  V1PodSpec: {
    containers: 'name',
    ephemeralContainers: 'name',
    hostAliases: 'ip',
    imagePullSecrets: 'name',
    initContainers: 'name',
    resourceClaims: 'name',
    schedulingGates: 'name',
    topologySpreadConstraints: 'topologyKey',
    volumes: 'name',
  },
  V1PodStatus: { conditions: 'type', hostIPs: 'ip', podIPs: 'ip', resourceClaimStatuses: 'name' },
  V1ReplicaSetStatus: { conditions: 'type' },
  V1ServiceAccount: { secrets: 'name' },
  V1ServiceSpec: { ports: 'port' },
  V1ServiceStatus: { conditions: 'type' },
  V1StatefulSetStatus: { conditions: 'type' },
};

function containerLists(): Readonly<Record<string, string>> {
  return { env: 'name', ports: 'containerPort', volumeDevices: 'devicePath', volumeMounts: 'mountPath' };
}
