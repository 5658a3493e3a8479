export { driverOfPlugin, MIGRATED_PLUGINS, pluginOfDriver } from './names.ts';
