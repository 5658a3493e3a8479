import type { FileStat } from '../host.ts';

export type InodeKind = FileStat['kind'];

/** What a name in a simulated file system leads to. */
export interface Inode {
  readonly kind: InodeKind;
  readonly number: bigint;
  readonly fileSystem: FileSystem;
  content: string;
  sizeBytes: number;
  mode: number;
  uid: number;
  gid: number;
  modifiedAtMs: number;
  readonly entries: Map<string, Inode>;
  /** Of a symbolic link. */
  readonly target?: string;
  /** Of a device node. */
  readonly rdev?: string;
  /** What was made on an image file or a device: its file system. */
  formatted?: FileSystem;
  /** Path within the file system, as it was when it was made. */
  readonly birthPath: string;
}

export interface FileSystem {
  readonly type: string;
  /** Major and minor number; of a disk's file system: where it is attached now. */
  device: string;
  readonly root: Inode;
  /** Gone with a reboot. */
  readonly volatile: boolean;
}

/** An error as the system calls have it. */
export function systemError(code: string, call: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${call} '${path}'`), { code, syscall: call, path });
}
