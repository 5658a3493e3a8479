export {
  type ContainerConfig,
  type ContainerMount,
  type ContainerNamespaces,
  type ContainerRecord,
  type ContainerSecurity,
  type ContainerSession,
  type ContainerStreams,
  type PodUsage,
  type Runtime,
  type SessionOptions,
  StartError,
  type TerminalSize,
} from './contract.ts';
export { LinuxRuntime } from './linux-runtime.ts';
export { type LogLine, parseLogLine } from './log-format.ts';
export { DEFAULT_CAPABILITIES } from './security.ts';
