/**
 * How lists and objects of the API's models merge, where that is not the default. By default a list is one value, an
 * object and a map are merged field by field. Source: x-kubernetes-list-type, -list-map-keys and -map-type in the
 * schemas that Kubernetes 1.36 publishes.
 */

type Fields<T> = Readonly<Record<string, Readonly<Record<string, T>>>>;

const conditions: Readonly<Record<string, readonly string[]>> = { conditions: ['type'] };

/** Lists whose items are told apart by keys, by model and field; the keys in alphabetical order. */
export const LIST_KEYS: Fields<readonly string[]> = {
  V1Container: containerLists(),
  V1ContainerStatus: { allocatedResourcesStatus: ['name'], volumeMounts: ['mountPath'] },
  V1CSINodeSpec: { drivers: ['name'] },
  V1CustomResourceDefinitionStatus: conditions,
  V1DaemonSetStatus: conditions,
  V1DeploymentStatus: conditions,
  V1EphemeralContainer: containerLists(),
  V1JSONSchemaProps: { 'x-kubernetes-validations': ['rule'] },
  V1NamespaceStatus: conditions,
  V1NodeStatus: { addresses: ['type'], ...conditions },
  V1ObjectMeta: { ownerReferences: ['uid'] },
  V1PersistentVolumeClaimStatus: conditions,
  V1PodDisruptionBudgetStatus: conditions,
  V1PodSpec: {
    containers: ['name'],
    ephemeralContainers: ['name'],
    hostAliases: ['ip'],
    imagePullSecrets: ['name'],
    initContainers: ['name'],
    resourceClaims: ['name'],
    schedulingGates: ['name'],
    topologySpreadConstraints: ['topologyKey', 'whenUnsatisfiable'],
    volumes: ['name'],
  },
  V1PodStatus: { podIPs: ['ip'], resourceClaimStatuses: ['name'], ...conditions },
  V1ReplicaSetStatus: conditions,
  V1ResourceRequirements: { claims: ['name'] },
  V1ResourceStatus: { resources: ['resourceID'] },
  V1ServiceAccount: { secrets: ['name'] },
  V1ServiceSpec: { ports: ['port', 'protocol'] },
  V1ServiceStatus: conditions,
  V1StatefulSetStatus: conditions,
};

/** Lists of plain values that merge as sets. */
export const SETS: Fields<true> = {
  V1ContainerRestartRuleOnExitCodes: { values: true },
  V1CSIDriverSpec: { volumeLifecycleModes: true },
  V1Endpoint: { addresses: true },
  V1NodeAllocatableResourceClaimStatus: { containers: true },
  V1NodeSpec: { podCIDRs: true },
  V1ObjectMeta: { finalizers: true },
  V1PodFailurePolicyOnExitCodesRequirement: { values: true },
  V1UncountedTerminatedPods: { failed: true, succeeded: true },
};

/** Models that are one value wherever they stand, but for GRANULAR_FIELDS. */
export const ATOMIC_MODELS: ReadonlySet<string> = new Set([
  'CoreV1EndpointPort',
  'DiscoveryV1EndpointPort',
  'RbacV1Subject',
  'V1ConfigMapKeySelector',
  'V1EndpointAddress',
  'V1FileKeySelector',
  'V1LabelSelector',
  'V1LocalObjectReference',
  'V1NodeSelector',
  'V1NodeSelectorTerm',
  'V1ObjectFieldSelector',
  'V1ObjectReference',
  'V1OwnerReference',
  'V1ResourceFieldSelector',
  'V1RoleRef',
  'V1ScopeSelector',
  'V1SecretKeySelector',
  'V1SecretReference',
  'V1TopologySelectorTerm',
  'V1TypedLocalObjectReference',
]);

/** Maps that are one value. */
export const ATOMIC_FIELDS: Fields<true> = {
  V1PodSpec: { nodeSelector: true },
  V1ServiceSpec: { selector: true },
};

/** Fields of an atomic model that merge field by field all the same. */
export const GRANULAR_FIELDS: Fields<true> = {
  V1PersistentVolumeClaimStatus: { allocatedResourceStatuses: true },
  V1PersistentVolumeSpec: { claimRef: true },
};

/** Keys that an item need not have, and what they are then. Those that it must have are empty when it has them not. */
export const KEY_DEFAULTS: Fields<string> = {
  V1ContainerPort: { protocol: 'TCP' },
  V1LocalObjectReference: { name: '' },
  V1ServicePort: { protocol: 'TCP' },
};

export function topologyOf<T>(table: Fields<T>, model: string, field: string): T | undefined {
  const fields = Object.hasOwn(table, model) ? table[model]! : undefined;
  return fields && Object.hasOwn(fields, field) ? fields[field] : undefined;
}

function containerLists(): Readonly<Record<string, readonly string[]>> {
  return {
    env: ['name'],
    ports: ['containerPort', 'protocol'],
    volumeDevices: ['devicePath'],
    volumeMounts: ['mountPath'],
  };
}
