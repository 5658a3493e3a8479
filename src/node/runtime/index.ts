export {
  type ContainerConfig,
  type ContainerMount,
  type ContainerNamespaces,
  type ContainerRecord,
  type ContainerSecurity,
  type ContainerSession,
  type ContainerSetup,
  type ContainerStreams,
  type ContainerUser,
  type PodUsage,
  type PreparedContainer,
  type Runtime,
  type SessionOptions,
  StartError,
  type TerminalSize,
} from './contract.ts';
export { LinuxRuntime } from './linux-runtime.ts';
export { type LogLine, parseLogLine } from './log-format.ts';
export { MAX_LOG_BYTES, MAX_LOG_FILES } from './log-writer.ts';
export { nothingToPrepare } from './nothing-to-prepare.ts';
export { DEFAULT_CAPABILITIES } from './security.ts';
