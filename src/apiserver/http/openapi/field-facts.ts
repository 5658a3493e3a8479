import {
  ATOMIC_FIELDS,
  ATOMIC_MODELS,
  GRANULAR_FIELDS,
  LIST_KEYS,
  SETS,
  topologyOf,
} from '../../registry/managed-fields/topology.ts';
import { MERGE_KEYS } from '../../registry/patch/merge-keys.ts';

// What the published schemas of Kubernetes 1.36 say of fields beside their types: x-kubernetes-…, enum.

export type Extensions = Readonly<Record<string, unknown>>;

/** Fields whose strategic merge also drops what the patch does not name. */
const PATCH_STRATEGIES: Readonly<Record<string, string>> = {
  'V1PodSpec.volumes': 'merge,retainKeys',
  'V1PodSpec.resourceClaims': 'merge,retainKeys',
  'V1PodStatus.resourceClaimStatuses': 'merge,retainKeys',
  'V1DeploymentSpec.strategy': 'retainKeys',
  'V1PodDisruptionBudgetSpec.selector': 'replace',
};

/** How patches and applies treat a field. */
export function fieldExtensions(model: string, field: string, isArray: boolean): Extensions | undefined {
  const extensions = {
    ...(isArray ? listExtensions(model, field) : mapExtensions(model, field)),
    ...patchExtensions(model, field),
  };
  return Object.keys(extensions).length > 0 ? extensions : undefined;
}

function listExtensions(model: string, field: string): Extensions {
  const keys = topologyOf(LIST_KEYS, model, field);
  if (keys) return { 'x-kubernetes-list-map-keys': keys, 'x-kubernetes-list-type': 'map' };
  const isSet = topologyOf(SETS, model, field);
  return { 'x-kubernetes-list-type': isSet ? 'set' : 'atomic' };
}

function mapExtensions(model: string, field: string): Extensions {
  if (topologyOf(ATOMIC_FIELDS, model, field)) return { 'x-kubernetes-map-type': 'atomic' };
  if (topologyOf(GRANULAR_FIELDS, model, field)) return { 'x-kubernetes-map-type': 'granular' };
  return {};
}

/** How a strategic merge patch treats a field; nothing for one that it replaces whole. */
function patchExtensions(model: string, field: string): Extensions {
  const keys = Object.hasOwn(MERGE_KEYS, model) ? MERGE_KEYS[model]! : {};
  const key = Object.hasOwn(keys, field) ? keys[field] : undefined;
  const strategy = PATCH_STRATEGIES[`${model}.${field}`] ?? (key === undefined ? undefined : 'merge');
  return {
    ...(strategy ? { 'x-kubernetes-patch-strategy': strategy } : undefined),
    ...(key ? { 'x-kubernetes-patch-merge-key': key } : undefined),
  };
}

const profile = [
  { discriminator: 'type', 'fields-to-discriminateBy': { localhostProfile: 'LocalhostProfile' } },
];

/** Objects of which one of several fields is set. */
const UNIONS: Readonly<Record<string, unknown>> = {
  V1AppArmorProfile: profile,
  V1SeccompProfile: profile,
  V1PodSchedulingGroup: [{ 'fields-to-discriminateBy': { podGroupName: 'PodGroupName' } }],
};

/** What holds for a model wherever it stands. */
export function modelExtensions(model: string): Extensions | undefined {
  if (ATOMIC_MODELS.has(model)) return { 'x-kubernetes-map-type': 'atomic' };
  return Object.hasOwn(UNIONS, model) ? { 'x-kubernetes-unions': UNIONS[model] } : undefined;
}

const PULL = 'Always IfNotPresent Never';
const MESSAGE = 'FallbackToLogsOnError File';
const PROTOCOLS = 'SCTP TCP UDP';
const ACCESS_MODES = 'ReadOnlyMany ReadWriteMany ReadWriteOnce ReadWriteOncePod';
const VOLUME_MODES = 'Block Filesystem';
const RECLAIM = 'Delete Recycle Retain';
const SCOPES =
  'BestEffort CrossNamespacePodAffinity NotBestEffort NotTerminating PriorityClass Terminating VolumeAttributesClass';
const PROFILES = 'Localhost RuntimeDefault Unconfined';
const PREEMPTION = 'Never PreemptLowerPriority';
const EFFECTS = 'NoExecute NoSchedule PreferNoSchedule';
const REAL_TIME = ['MAX', ...numbered('MAX-', 14), 'MIN', ...numbered('MIN+', 15)].map((one) => `RT${one}`);
const SIGNALS = [
  ...'ABRT ALRM BUS CHLD CLD CONT FPE HUP ILL INT IO IOT KILL PIPE POLL PROF PWR QUIT'.split(' '),
  ...REAL_TIME,
  ...'SEGV STKFLT STOP SYS TERM TRAP TSTP TTIN TTOU URG USR1 USR2 VTALRM WINCH XCPU XFSZ'.split(' '),
]
  .map((name) => `SIG${name}`)
  .join(' ');

/** As texts they are sorted: 1, 10, 11, …, 2. */
function numbered(prefix: string, most: number): string[] {
  return Array.from({ length: most }, (_, index) => `${prefix}${index + 1}`).sort();
}

/** The words that a field, or each item of a list or map, can be; a leading space stands for none of them. */
const WORDS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  CoreV1EndpointPort: { protocol: PROTOCOLS },
  DiscoveryV1EndpointPort: { protocol: PROTOCOLS },
  V1AppArmorProfile: { type: PROFILES },
  V1AzureDiskVolumeSource: { cachingMode: 'None ReadOnly ReadWrite', kind: 'Dedicated Managed Shared' },
  V1Container: { imagePullPolicy: PULL, terminationMessagePolicy: MESSAGE },
  V1ContainerPort: { protocol: PROTOCOLS },
  V1ContainerStatus: { stopSignal: SIGNALS },
  V1CronJobSpec: { concurrencyPolicy: 'Allow Forbid Replace' },
  V1DaemonSetUpdateStrategy: { type: 'OnDelete RollingUpdate' },
  V1DeploymentStrategy: { type: 'Recreate RollingUpdate' },
  V1EndpointSlice: { addressType: 'FQDN IPv4 IPv6' },
  V1EphemeralContainer: { imagePullPolicy: PULL, terminationMessagePolicy: MESSAGE },
  V1HostPathVolumeSource: {
    type: ' BlockDevice CharDevice Directory DirectoryOrCreate File FileOrCreate Socket',
  },
  V1HTTPGetAction: { scheme: 'HTTP HTTPS' },
  V1ImageVolumeSource: { pullPolicy: PULL },
  V1JobSpec: { completionMode: 'Indexed NonIndexed', podReplacementPolicy: 'Failed TerminatingOrFailed' },
  V1ModifyVolumeStatus: { status: 'InProgress Infeasible Pending' },
  V1NamespaceStatus: { phase: 'Active Terminating' },
  V1NodeSelectorRequirement: { operator: 'DoesNotExist Exists Gt In Lt NotIn' },
  V1NodeStatus: { phase: 'Pending Running Terminated' },
  V1PersistentVolumeClaimSpec: { accessModes: ACCESS_MODES, volumeMode: VOLUME_MODES },
  V1Lifecycle: { stopSignal: SIGNALS },
  V1PersistentVolumeClaimStatus: {
    accessModes: ACCESS_MODES,
    allocatedResourceStatuses:
      'ControllerResizeInProgress ControllerResizeInfeasible NodeResizeInProgress NodeResizeInfeasible NodeResizePending',
    phase: 'Bound Lost Pending',
  },
  V1PersistentVolumeSpec: {
    accessModes: ACCESS_MODES,
    persistentVolumeReclaimPolicy: RECLAIM,
    volumeMode: VOLUME_MODES,
  },
  V1PersistentVolumeStatus: { phase: 'Available Bound Failed Pending Released' },
  V1PodDisruptionBudgetSpec: { unhealthyPodEvictionPolicy: 'AlwaysAllow IfHealthyBudget' },
  V1PodFailurePolicyOnExitCodesRequirement: { operator: 'In NotIn' },
  V1PodFailurePolicyRule: { action: 'Count FailIndex FailJob Ignore' },
  V1PodSecurityContext: {
    fsGroupChangePolicy: 'Always OnRootMismatch',
    supplementalGroupsPolicy: 'Merge Strict',
  },
  V1PodSpec: {
    dnsPolicy: 'ClusterFirst ClusterFirstWithHostNet Default None',
    preemptionPolicy: PREEMPTION,
    restartPolicy: 'Always Never OnFailure',
  },
  V1PodStatus: {
    phase: 'Failed Pending Running Succeeded Unknown',
    qosClass: 'BestEffort Burstable Guaranteed',
  },
  V1PortStatus: { protocol: PROTOCOLS },
  V1PriorityClass: { preemptionPolicy: PREEMPTION },
  V1ResourceQuotaSpec: { scopes: SCOPES },
  V1ScopedResourceSelectorRequirement: { operator: 'DoesNotExist Exists In NotIn', scopeName: SCOPES },
  V1SeccompProfile: { type: PROFILES },
  V1SecurityContext: { procMount: 'Default Unmasked' },
  V1ServicePort: { protocol: PROTOCOLS },
  V1ServiceSpec: {
    externalTrafficPolicy: 'Cluster Local',
    internalTrafficPolicy: 'Cluster Local',
    ipFamilies: ' IPv4 IPv6',
    ipFamilyPolicy: 'PreferDualStack RequireDualStack SingleStack',
    sessionAffinity: 'ClientIP None',
    type: 'ClusterIP ExternalName LoadBalancer NodePort',
  },
  V1StatefulSetSpec: { podManagementPolicy: 'OrderedReady Parallel' },
  V1StatefulSetUpdateStrategy: { type: 'OnDelete RollingUpdate' },
  V1StorageClass: { reclaimPolicy: RECLAIM, volumeBindingMode: 'Immediate WaitForFirstConsumer' },
  V1Taint: { effect: EFFECTS },
  V1Toleration: { effect: EFFECTS, operator: 'Equal Exists Gt Lt' },
  V1TopologySpreadConstraint: {
    nodeAffinityPolicy: 'Honor Ignore',
    nodeTaintsPolicy: 'Honor Ignore',
    whenUnsatisfiable: 'DoNotSchedule ScheduleAnyway',
  },
  V1ValidationRule: {
    reason: 'FieldValueDuplicate FieldValueForbidden FieldValueInvalid FieldValueRequired',
  },
  V1VolumeMount: { mountPropagation: 'Bidirectional HostToContainer None' },
};

export function enumOf(model: string, field: string): readonly string[] | undefined {
  return topologyOf(WORDS, model, field)?.split(' ');
}
