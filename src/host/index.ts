export type {
  AppendHandle,
  ConnectedProcess,
  DiskSignature,
  ExecResult,
  FileStat,
  FileSystemUsage,
  Files,
  Host,
  HostInfo,
  HttpAnswer,
  LoopDevice,
  MountEntry,
  MountRequest,
  Network,
  PlaceHandle,
  ProcessId,
  ReadHandle,
} from './host.ts';
export { fileWithin, type Unpacked, unpackLayer } from './linux/archive/index.ts';
export { createLinuxHost } from './linux/index.ts';
export { isTemporaryOf } from './temporary-name.ts';
export { untilGone } from './until-gone.ts';
