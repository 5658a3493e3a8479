export type {
  AppendHandle,
  ConnectedProcess,
  DiskSignature,
  ExecResult,
  FileStat,
  Files,
  Host,
  HostInfo,
  LoopDevice,
  MountEntry,
  MountRequest,
  Network,
  ProcessId,
  ReadHandle,
} from './host.ts';
export { createLinuxHost } from './linux/index.ts';
