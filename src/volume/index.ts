export { isOperationFinished, TransientOperationFailure, UncertainProgressError } from './operation-error.ts';
export {
  OPERATION_BACKOFF,
  type OperationKey,
  PendingOperations,
  type PendingOperationsOptions,
  type Refusal,
  type SettledOperation,
} from './operation-executor/pending-operations.ts';
export {
  escapePluginName,
  pluginDirectory,
  pluginsRegistryDirectory,
  podDirectory,
  podPluginDirectory,
  podsDirectory,
  podVolumeDirectory,
  podVolumesDirectory,
  unescapePluginName,
} from './paths.ts';
export {
  type Attacher,
  type DeviceMounter,
  isAttachable,
  isDeviceMountable,
  type MountContext,
  type Mounter,
  type PluginRegistry,
  type ReconstructedVolume,
  splitUniqueVolumeName,
  type UniqueVolumeName,
  uniqueVolumeName,
  uniqueVolumeNameForPod,
  type VolumePlugin,
  type VolumeSpec,
} from './plugin.ts';
export { createPluginRegistry } from './registry.ts';
export { claimOf, mountOptionsOf, specFromPersistentVolume, specFromVolume } from './spec.ts';
