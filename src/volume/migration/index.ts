export { driverOfPlugin, MIGRATED_PLUGINS, pluginOfDriver } from './registry.ts';
export {
  migratedPluginOf,
  translateInlineVolume,
  translateSpec,
  translateStorageClass,
  translateVolume,
} from './translate.ts';
export { repairVolumeHandle, translateVolumeToInTree } from './translate-back.ts';
