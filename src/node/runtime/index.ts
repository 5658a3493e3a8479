export {
  type ContainerConfig,
  type ContainerMount,
  type ContainerRecord,
  type ContainerSecurity,
  type PodIdentity,
  type Runtime,
  StartError,
} from './contract.ts';
export { LinuxRuntime, type LinuxRuntimeOptions } from './linux-runtime.ts';
export { type LogLine, logTimestamp, parseLogLine } from './log-format.ts';
export { DEFAULT_CAPABILITIES } from './security.ts';
