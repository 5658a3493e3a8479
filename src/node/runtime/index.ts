export {
  type ContainerConfig,
  type ContainerMount,
  type ContainerRecord,
  type ContainerSecurity,
  type Runtime,
  StartError,
} from './contract.ts';
export { LinuxRuntime } from './linux-runtime.ts';
export { type LogLine, parseLogLine } from './log-format.ts';
export { DEFAULT_CAPABILITIES } from './security.ts';
