export { driverOfPlugin, MIGRATED_PLUGINS } from './registry.ts';
export {
  migratedPluginOf,
  translateInlineVolume,
  translateSpec,
  translateStorageClass,
  translateVolume,
} from './translate.ts';
