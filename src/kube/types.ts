import type * as k8s from '@kubernetes/client-node';

/**
 * A type of @kubernetes/client-node as it stands on the wire: times are RFC 3339 strings, names carry no
 * escaping underscore, everything is read-only (objects are frozen and shared, see design §3).
 */
export type Wire<T> = T extends Date
  ? string
  : T extends (infer E)[]
    ? readonly Wire<E>[]
    : T extends object
      ? { readonly [K in keyof T as K extends `_${infer Name}` ? Name : K]: Wire<T[K]> }
      : T;

export type ObjectMeta = Wire<k8s.V1ObjectMeta>;
export type OwnerReference = Wire<k8s.V1OwnerReference>;
export type LabelSelector = Wire<k8s.V1LabelSelector>;

/** What every API object has. */
export interface KubeObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata?: ObjectMeta;
}

export type Namespace = Wire<k8s.V1Namespace>;
export type Node = Wire<k8s.V1Node>;
export type NodeSpec = Wire<k8s.V1NodeSpec>;
export type NodeStatus = Wire<k8s.V1NodeStatus>;
export type NodeCondition = Wire<k8s.V1NodeCondition>;
export type AttachedVolume = Wire<k8s.V1AttachedVolume>;
export type Taint = Wire<k8s.V1Taint>;
export type Toleration = Wire<k8s.V1Toleration>;
export type NodeAffinity = Wire<k8s.V1NodeAffinity>;
export type NodeSelector = Wire<k8s.V1NodeSelector>;
export type NodeSelectorTerm = Wire<k8s.V1NodeSelectorTerm>;
export type NodeSelectorRequirement = Wire<k8s.V1NodeSelectorRequirement>;
export type VolumeNodeAffinity = Wire<k8s.V1VolumeNodeAffinity>;
export type Pod = Wire<k8s.V1Pod>;
export type PodSpec = Wire<k8s.V1PodSpec>;
export type PodStatus = Wire<k8s.V1PodStatus>;
export type PodCondition = Wire<k8s.V1PodCondition>;
export type PodTemplateSpec = Wire<k8s.V1PodTemplateSpec>;
export type Container = Wire<k8s.V1Container>;
export type EphemeralContainer = Wire<k8s.V1EphemeralContainer>;
export type ContainerStatus = Wire<k8s.V1ContainerStatus>;
export type ContainerState = Wire<k8s.V1ContainerState>;
export type Volume = Wire<k8s.V1Volume>;
export type VolumeMount = Wire<k8s.V1VolumeMount>;
export type Binding = Wire<k8s.V1Binding>;
export type PersistentVolume = Wire<k8s.V1PersistentVolume>;
export type PersistentVolumeSpec = Wire<k8s.V1PersistentVolumeSpec>;
export type CSIPersistentVolumeSource = Wire<k8s.V1CSIPersistentVolumeSource>;
export type PersistentVolumeClaim = Wire<k8s.V1PersistentVolumeClaim>;
export type PersistentVolumeClaimSpec = Wire<k8s.V1PersistentVolumeClaimSpec>;
export type PersistentVolumeClaimStatus = Wire<k8s.V1PersistentVolumeClaimStatus>;
export type ObjectReference = Wire<k8s.V1ObjectReference>;
export type ResourceList = Readonly<Record<string, string>>;
export type Secret = Wire<k8s.V1Secret>;
export type ConfigMap = Wire<k8s.V1ConfigMap>;
export type Service = Wire<k8s.V1Service>;
export type ServiceAccount = Wire<k8s.V1ServiceAccount>;
export type Event = Wire<k8s.CoreV1Event>;
export type StatefulSet = Wire<k8s.V1StatefulSet>;
export type StatefulSetSpec = Wire<k8s.V1StatefulSetSpec>;
export type ControllerRevision = Wire<k8s.V1ControllerRevision>;
export type Deployment = Wire<k8s.V1Deployment>;
export type DeploymentSpec = Wire<k8s.V1DeploymentSpec>;
export type DeploymentStatus = Wire<k8s.V1DeploymentStatus>;
export type DeploymentCondition = Wire<k8s.V1DeploymentCondition>;
export type ReplicaSet = Wire<k8s.V1ReplicaSet>;
export type ReplicaSetSpec = Wire<k8s.V1ReplicaSetSpec>;
export type ReplicaSetStatus = Wire<k8s.V1ReplicaSetStatus>;
export type DaemonSet = Wire<k8s.V1DaemonSet>;
export type DaemonSetSpec = Wire<k8s.V1DaemonSetSpec>;
export type DaemonSetStatus = Wire<k8s.V1DaemonSetStatus>;
export type Job = Wire<k8s.V1Job>;
export type JobSpec = Wire<k8s.V1JobSpec>;
export type JobStatus = Wire<k8s.V1JobStatus>;
export type JobCondition = Wire<k8s.V1JobCondition>;
export type CronJob = Wire<k8s.V1CronJob>;
export type CronJobSpec = Wire<k8s.V1CronJobSpec>;
export type PodDisruptionBudget = Wire<k8s.V1PodDisruptionBudget>;
export type PodDisruptionBudgetStatus = Wire<k8s.V1PodDisruptionBudgetStatus>;
export type Eviction = Wire<k8s.V1Eviction>;
export type Scale = Wire<k8s.V1Scale>;
export type Endpoints = Wire<k8s.V1Endpoints>;
export type EndpointSlice = Wire<k8s.V1EndpointSlice>;
export type ResourceQuota = Wire<k8s.V1ResourceQuota>;
export type ResourceQuotaSpec = Wire<k8s.V1ResourceQuotaSpec>;
export type ScopeSelector = Wire<k8s.V1ScopeSelector>;
export type LimitRange = Wire<k8s.V1LimitRange>;
export type LimitRangeItem = Wire<k8s.V1LimitRangeItem>;
export type PodTemplate = Wire<k8s.V1PodTemplate>;
export type EventsV1Event = Wire<k8s.EventsV1Event>;
export type VolumeAttributesClass = Wire<k8s.V1VolumeAttributesClass>;
export type StorageClass = Wire<k8s.V1StorageClass>;
export type VolumeAttachment = Wire<k8s.V1VolumeAttachment>;
export type VolumeError = Wire<k8s.V1VolumeError>;
export type CSINode = Wire<k8s.V1CSINode>;
export type CSINodeDriver = Wire<k8s.V1CSINodeDriver>;
export type CSIDriver = Wire<k8s.V1CSIDriver>;
export type CSIStorageCapacity = Wire<k8s.V1CSIStorageCapacity>;
export type TopologySelectorTerm = Wire<k8s.V1TopologySelectorTerm>;
export type Lease = Wire<k8s.V1Lease>;
export type PriorityClass = Wire<k8s.V1PriorityClass>;
export type Role = Wire<k8s.V1Role>;
export type RoleBinding = Wire<k8s.V1RoleBinding>;
export type ClusterRole = Wire<k8s.V1ClusterRole>;
export type ClusterRoleBinding = Wire<k8s.V1ClusterRoleBinding>;
export type PolicyRule = Wire<k8s.V1PolicyRule>;
export type RoleRef = Wire<k8s.V1RoleRef>;
export type Subject = Wire<k8s.RbacV1Subject>;
export type SubjectAccessReview = Wire<k8s.V1SubjectAccessReview>;
export type LocalSubjectAccessReview = Wire<k8s.V1LocalSubjectAccessReview>;
export type SelfSubjectAccessReview = Wire<k8s.V1SelfSubjectAccessReview>;
export type SelfSubjectRulesReview = Wire<k8s.V1SelfSubjectRulesReview>;
export type CustomResourceDefinition = Wire<k8s.V1CustomResourceDefinition>;
export type TokenReview = Wire<k8s.V1TokenReview>;
export type TokenRequest = Wire<k8s.AuthenticationV1TokenRequest>;
export type SelfSubjectReview = Wire<k8s.V1SelfSubjectReview>;

/** An object as the API server returns it: named, typed and versioned. */
export type Stored<T extends KubeObject> = T & {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta & {
    readonly name: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly creationTimestamp: string;
  };
};

/** A list response. */
export interface ObjectList<T> {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly resourceVersion: string;
    readonly continue?: string;
    readonly remainingItemCount?: number;
  };
  readonly items: readonly T[];
}

export type WatchEventType = 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';

/** One change seen by a watch. An ERROR event of the wire is thrown as a StatusError instead. */
export interface WatchEvent<T> {
  readonly type: WatchEventType;
  readonly object: T;
}
