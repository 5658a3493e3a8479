export type {
  Client,
  DeleteOptions,
  ListOptions,
  ObjectName,
  Patch,
  PatchType,
  SubresourceOption,
  WatchOptions,
  WriteOptions,
} from './client.ts';
