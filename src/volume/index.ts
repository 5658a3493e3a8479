export {
  type ControlPlugin,
  type Deleter,
  type Expander,
  type Provisioner,
  type ProvisionRequest,
  type Recycler,
  VolumeInUseError,
} from './control-plugin.ts';
export { isOperationFinished, TransientOperationFailure, UncertainProgressError } from './operation-error.ts';
export { type OperationKey, PendingOperations } from './operation-executor/pending-operations.ts';
export {
  escapePluginName,
  pluginsRegistryDirectory,
  podDirectory,
  podsDirectory,
  podVolumeDirectory,
  podVolumesDirectory,
  unescapePluginName,
} from './paths.ts';
export {
  type Attacher,
  isAttachable,
  isDeviceMountable,
  type MountContext,
  type Mounter,
  type NodeExpander,
  type NodeExpansion,
  type PluginProber,
  type PluginRegistry,
  splitUniqueVolumeName,
  type UniqueVolumeName,
  uniqueVolumeName,
  uniqueVolumeNameForPod,
  type VolumePlugin,
  type VolumeSpec,
} from './plugin.ts';
export { createPluginRegistry } from './registry.ts';
export { type ClaimStatusPatch, mergedResizeConditions, type ResizeCondition } from './resize-conditions.ts';
export { claimOf, specFromPersistentVolume, specFromVolume } from './spec.ts';
