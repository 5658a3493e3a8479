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
export type CustomResourceDefinition = Wire<k8s.V1CustomResourceDefinition>;

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
