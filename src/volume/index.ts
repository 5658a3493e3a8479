export {
  type ControlPlugin,
  type Deleter,
  type Expander,
  type Provisioner,
  type ProvisionRequest,
  type Recycler,
  VolumeInUseError,
} from './control-plugin.ts';
export { directoryStats, diskUsage, fileSystemStats } from './disk-usage.ts';
export {
  FailedPreconditionError,
  InfeasibleError,
  isOperationFinished,
  OperationNotSupportedError,
  TransientOperationFailure,
  UncertainProgressError,
  VolumeAttachLimitExceededError,
} from './operation-error.ts';
export { type OperationKey, PendingOperations } from './operation-executor/pending-operations.ts';
export { OPERATION_BUCKETS_SECONDS, type TimeOperation, timeOperations } from './operation-metrics.ts';
export {
  escapePluginName,
  pluginsRegistryDirectory,
  podDirectory,
  podsDirectory,
  podVolumeDevicesDirectory,
  podVolumeDirectory,
  podVolumesDirectory,
  unescapePluginName,
} from './paths.ts';
export {
  type Attacher,
  type BlockMapper,
  type DeviceMounter,
  isAttachable,
  isDeviceMountable,
  type MountContext,
  type Mounter,
  type NodeExpander,
  type NodeExpansion,
  type PluginProber,
  type PluginRegistry,
  qualifiedPluginName,
  type StatsRequest,
  splitUniqueVolumeName,
  type UniqueVolumeName,
  uniqueVolumeName,
  uniqueVolumeNameForPod,
  type VolumePlugin,
  type VolumeSpec,
  type VolumeStats,
} from './plugin.ts';
export { createPluginRegistry } from './registry.ts';
export {
  type ClaimStatusPatch,
  mergedResizeConditions,
  RESIZE_CONDITIONS,
  type ResizeCondition,
} from './resize-conditions.ts';
export { claimOf, mountOptionsOf, specFromPersistentVolume, specFromVolume } from './spec.ts';
