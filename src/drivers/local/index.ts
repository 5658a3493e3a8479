export { ConfigError, type ProvisionerConfig } from './config.ts';
export { readConfig } from './config-source.ts';
export {
  createLocalProvisioner,
  type LocalProvisioner,
  type LocalProvisionerOptions,
} from './local-provisioner.ts';
