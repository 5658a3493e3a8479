// Names that Kubernetes 1.36 gives meaning to. Grouped by what they mark.

// Claims and volumes
export const ANN_BIND_COMPLETED = 'pv.kubernetes.io/bind-completed';
export const ANN_BOUND_BY_CONTROLLER = 'pv.kubernetes.io/bound-by-controller';
export const ANN_PROVISIONED_BY = 'pv.kubernetes.io/provisioned-by';
export const ANN_STORAGE_PROVISIONER = 'volume.kubernetes.io/storage-provisioner';
export const ANN_BETA_STORAGE_PROVISIONER = 'volume.beta.kubernetes.io/storage-provisioner';
export const ANN_SELECTED_NODE = 'volume.kubernetes.io/selected-node';
export const ANN_BETA_STORAGE_CLASS = 'volume.beta.kubernetes.io/storage-class';
export const ANN_DEFAULT_STORAGE_CLASS = 'storageclass.kubernetes.io/is-default-class';
export const ANN_BETA_DEFAULT_STORAGE_CLASS = 'storageclass.beta.kubernetes.io/is-default-class';
/** Who grows the claim's volume: the driver of a plugin that was migrated, or the plugin. */
export const ANN_STORAGE_RESIZER = 'volume.kubernetes.io/storage-resizer';
/** On a volume whose file system still has its old size: that size. */
export const ANN_PRE_RESIZE_CAPACITY = 'volume.alpha.kubernetes.io/pre-resize-capacity';
/** On a claim whose volume was grown for good by its controller. */
export const ANN_NODE_EXPANSION_NOT_REQUIRED = 'volume.kubernetes.io/node-expansion-not-required';
export const ANN_MIGRATED_TO = 'pv.kubernetes.io/migrated-to';
/** On a CSINode: the in-tree plugins whose volumes its drivers serve, with commas between. */
export const ANN_MIGRATED_PLUGINS = 'storage.alpha.kubernetes.io/migrated-plugins';
export const ANN_PROVISIONER_DELETION_SECRET_NAME = 'volume.kubernetes.io/provisioner-deletion-secret-name';
export const ANN_PROVISIONER_DELETION_SECRET_NAMESPACE =
  'volume.kubernetes.io/provisioner-deletion-secret-namespace';
/** On a volume: the secret that the driver is to have when it changes the volume's attributes. */
export const ANN_CONTROLLER_MODIFY_SECRET_NAME = 'volume.kubernetes.io/controller-modify-secret-name';
export const ANN_CONTROLLER_MODIFY_SECRET_NAMESPACE =
  'volume.kubernetes.io/controller-modify-secret-namespace';

// Finalizers
export const FINALIZER_PVC_PROTECTION = 'kubernetes.io/pvc-protection';
export const FINALIZER_PV_PROTECTION = 'kubernetes.io/pv-protection';
export const FINALIZER_VAC_PROTECTION = 'kubernetes.io/vac-protection';
/** On a PV that an external provisioner must delete before the object may go (HonorPVReclaimPolicy). */
export const FINALIZER_EXTERNAL_PROVISIONER = 'external-provisioner.volume.kubernetes.io/finalizer';
export const FINALIZER_IN_TREE_PROVISIONER = 'kubernetes.io/pv-controller';
export const FINALIZER_FOREGROUND = 'foregroundDeletion';
export const FINALIZER_ORPHAN = 'orphan';
/** On PVs and VolumeAttachments while the attacher of `driver` has work to do. */
export const attacherFinalizer = (driver: string): string =>
  `external-attacher/${driver.replace(/[^a-zA-Z0-9-]/g, '-').replace(/-$/, '-X')}`;

// Nodes
export const ANN_CONTROLLER_MANAGED_ATTACH = 'volumes.kubernetes.io/controller-managed-attach-detach';
export const ANN_KEEP_TERMINATED_POD_VOLUMES = 'volumes.kubernetes.io/keep-terminated-pod-volumes';
/** On a PersistentVolume: a group that every container of a pod which uses it is in. */
export const ANN_VOLUME_GID = 'pv.beta.kubernetes.io/gid';
export const ANN_CSI_NODE_ID = 'csi.volume.kubernetes.io/nodeid';
export const LABEL_HOSTNAME = 'kubernetes.io/hostname';
export const LABEL_OS = 'kubernetes.io/os';
export const LABEL_ARCH = 'kubernetes.io/arch';
export const LABEL_ZONE = 'topology.kubernetes.io/zone';
export const LABEL_REGION = 'topology.kubernetes.io/region';
export const TAINT_NOT_READY = 'node.kubernetes.io/not-ready';
export const TAINT_UNREACHABLE = 'node.kubernetes.io/unreachable';
export const TAINT_UNSCHEDULABLE = 'node.kubernetes.io/unschedulable';
export const TAINT_OUT_OF_SERVICE = 'node.kubernetes.io/out-of-service';
export const TAINT_MEMORY_PRESSURE = 'node.kubernetes.io/memory-pressure';
export const TAINT_DISK_PRESSURE = 'node.kubernetes.io/disk-pressure';
export const TAINT_PID_PRESSURE = 'node.kubernetes.io/pid-pressure';
export const TAINT_NETWORK_UNAVAILABLE = 'node.kubernetes.io/network-unavailable';

/** The provisioner of a class whose volumes are made by hand. */
export const NO_PROVISIONER = 'kubernetes.io/no-provisioner';
export const DEFAULT_SCHEDULER = 'default-scheduler';

// StatefulSet
export const LABEL_STATEFULSET_POD_NAME = 'statefulset.kubernetes.io/pod-name';
export const LABEL_POD_INDEX = 'apps.kubernetes.io/pod-index';
export const LABEL_CONTROLLER_REVISION_HASH = 'controller-revision-hash';
