import type { Field } from '../../registry/schema/index.ts';

// What upstream's types hold where an object says nothing, as the published schemas of Kubernetes 1.36 tell it. A field
// that is required, or that stands in its object by value, has Go's zero; what a pointer leads to has nothing.

/** Zeros of scalars, by kind. */
const ZEROS: Readonly<Record<string, unknown>> = { string: '', int32: 0, int64: 0, bool: false };

/** Objects that stand in theirs by value wherever they are. */
const BY_VALUE = new Set(['metadata', 'spec', 'status']);

/** Further ones, by model. */
const ALSO_BY_VALUE = fieldsOf({
  CoreV1Event: 'source',
  V1Container: 'resources',
  V1ContainerStatus: 'lastState state',
  V1CustomResourceDefinitionStatus: 'acceptedNames',
  V1DaemonSetSpec: 'updateStrategy',
  V1DeploymentSpec: 'strategy',
  V1Endpoint: 'conditions',
  V1EphemeralContainer: 'resources',
  V1NodeDaemonEndpoints: 'kubeletEndpoint',
  V1NodeStatus: 'daemonEndpoints nodeInfo',
  V1PersistentVolumeClaimSpec: 'resources',
  V1PodTemplate: 'template',
  V1ReplicaSetSpec: 'template',
  V1SelfSubjectReviewStatus: 'userInfo',
  V1ServiceStatus: 'loadBalancer',
  V1StatefulSetSpec: 'updateStrategy',
  V1TokenReviewStatus: 'user',
});

/** Required fields that have none. */
const WITHOUT = fieldsOf({
  V1ContainerRestartRule: 'action',
  V1ContainerRestartRuleOnExitCodes: 'operator',
  V1DaemonSetSpec: 'selector',
  V1DeploymentSpec: 'selector',
  V1ImageVolumeStatus: 'imageRef',
  V1PodCertificateProjection: 'keyType signerName',
  V1ReplicaSetSpec: 'selector',
  V1ScaleIOPersistentVolumeSource: 'secretRef',
  V1ScaleIOVolumeSource: 'secretRef',
  V1StatefulSetSpec: 'selector',
  V1TokenReviewSpec: 'token',
});

/** Scalars that nobody has to give, and that are their zero all the same. */
const ZERO = fieldsOf({
  CoreV1Event: 'reportingComponent reportingInstance',
  V1AzureDiskVolumeSource: 'readOnly',
  V1ConfigMapEnvSource: 'name',
  V1ConfigMapKeySelector: 'name',
  V1ConfigMapProjection: 'name',
  V1ConfigMapVolumeSource: 'name',
  V1FileKeySelector: 'optional',
  V1GRPCAction: 'service',
  V1LocalObjectReference: 'name',
  V1NodeRuntimeHandler: 'name',
  V1PodDisruptionBudgetStatus: 'currentHealthy desiredHealthy disruptionsAllowed expectedPods',
  V1PodFailurePolicyOnPodConditionsPattern: 'status',
  V1PriorityClass: 'value',
  V1RoleRef: 'apiGroup',
  V1ScaleSpec: 'replicas',
  V1SecretEnvSource: 'name',
  V1SecretKeySelector: 'name',
  V1SecretProjection: 'name',
  V1StatefulSetOrdinals: 'start',
  V1StatefulSetSpec: 'serviceName',
  V1StatefulSetStatus: 'availableReplicas',
  V1TokenRequestStatus: 'token',
});

const RBD = { keyring: '/etc/ceph/keyring', pool: 'rbd', user: 'admin' };
const SCALE_IO = { fsType: 'xfs', storageMode: 'ThinProvisioned' };
const ISCSI = { iscsiInterface: 'default' };

/** Those that are something else. */
const OTHER: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  V1AzureDiskVolumeSource: { cachingMode: 'ReadWrite', fsType: 'ext4', kind: 'Shared' },
  V1ContainerPort: { protocol: 'TCP' },
  V1ISCSIPersistentVolumeSource: ISCSI,
  V1ISCSIVolumeSource: ISCSI,
  V1RBDPersistentVolumeSource: RBD,
  V1RBDVolumeSource: RBD,
  V1ScaleIOPersistentVolumeSource: SCALE_IO,
  V1ScaleIOVolumeSource: SCALE_IO,
  V1ServicePort: { protocol: 'TCP' },
};

/** The default of a field, for OpenAPI; `undefined`: it has none. */
export function defaultOf(model: string, { name, type, required }: Field): unknown {
  const path = `${model}.${name}`;
  const other = Object.hasOwn(OTHER, model) ? OTHER[model]![name] : undefined;
  if (other !== undefined) return other;
  if (WITHOUT.has(path)) return undefined;
  if (type.kind === 'ref') return required || BY_VALUE.has(name) || ALSO_BY_VALUE.has(path) ? {} : undefined;
  return required || ZERO.has(path) ? ZEROS[type.kind] : undefined;
}

/** `Model.field` of all. */
function fieldsOf(models: Readonly<Record<string, string>>): ReadonlySet<string> {
  return new Set(
    Object.entries(models).flatMap(([model, names]) => names.split(' ').map((name) => `${model}.${name}`)),
  );
}
