import type { Duplex, Readable, Writable } from 'node:stream';

/**
 * The only way to the machine. `linux` is the real one; `rootless` and `simulated` come beside it. Everything that
 * components do to files, mounts, devices and processes goes through here, so that the simulation can own it.
 */
export interface Host {
  readonly files: Files;
  readonly mounts: Mounts;
  readonly loops: LoopDevices;
  readonly disks: Disks;
  readonly processes: Processes;
  readonly network: Network;
  /** What kind of machine this is, for Node.status. */
  info(): HostInfo;
}

export interface HostInfo {
  readonly hostname: string;
  readonly architecture: string;
  readonly kernelVersion: string;
  readonly osImage: string;
  readonly machineId: string;
  readonly bootId: string;
  readonly cpus: number;
  readonly memoryBytes: number;
  /** We are in a user namespace: no block devices, no device nodes, few users beside our own. @default false */
  readonly rootless?: boolean;
}

export interface FileStat {
  readonly kind: 'file' | 'directory' | 'symlink' | 'block' | 'character' | 'fifo' | 'socket';
  readonly sizeBytes: number;
  /** Bytes that are really on disk (holes not counted). */
  readonly allocatedBytes: number;
  /** Permission bits, e.g. 0o755. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Major and minor number of a device node, `7:0`. */
  readonly rdev?: string;
  readonly inode: bigint;
  readonly device: bigint;
  /** When the content changed last, milliseconds since the epoch. */
  readonly modifiedAtMs: number;
}

/** A file open for writing at its end. */
export interface AppendHandle {
  /** Bytes in the file at the opening and those written since. */
  readonly sizeBytes: number;
  write(content: string | Uint8Array): Promise<void>;
  close(): Promise<void>;
}

/** A file open for reading. */
export interface ReadHandle {
  /** Up to `maxBytes` from `position`; empty at the end of the file. */
  read(position: number, maxBytes: number): Promise<Uint8Array>;
  stat(): Promise<FileStat>;
  close(): Promise<void>;
}

/** How full a file system is. */
export interface FileSystemUsage {
  readonly totalBytes: bigint;
  readonly freeBytes: bigint;
  readonly availableBytes: bigint;
  readonly inodes: bigint;
  readonly freeInodes: bigint;
  /** Its magic number, `0xef53`. */
  readonly type: string;
}

/** A place in a directory that others may change, held open: it stays the same place whatever its name comes to mean. */
export interface PlaceHandle {
  /** Leads to the place as long as the handle is open, for other processes too. */
  readonly path: string;
  stat(): Promise<FileStat>;
  close(): Promise<void>;
}

/** Files by absolute path. Errors carry the `code` of the system call (ENOENT …) as node:fs errors do. */
export interface Files {
  read(path: string): Promise<string>;
  /** Whole or not at all: writes beside, syncs, renames. */
  writeAtomic(path: string, content: string | Uint8Array, mode?: number): Promise<void>;
  /** Whole or not at all for whoever looks, but not durable: a loss of power may leave it empty, or nothing. */
  writeWhole(path: string, content: string | Uint8Array, mode?: number): Promise<void>;
  /** In place, over what is there. Durable on return, a new file's name not yet. */
  write(path: string, content: string | Uint8Array, mode?: number): Promise<void>;
  append(path: string, content: string | Uint8Array): Promise<void>;
  /** Opens a file for writing at its end, making it when it is absent. The handle stays with the file when it is renamed. */
  openAppend(path: string): Promise<AppendHandle>;
  /** Opens a file for reading at chosen places. The handle stays with the file when it is renamed. */
  openRead(path: string): Promise<ReadHandle>;
  /**
   * What comes out of a FIFO, until every writer has closed it or the signal aborts. Opening waits for no writer, and
   * nothing is read ahead of the consumer but one buffer, so a slow reader holds up the writers.
   */
  readFifo(path: string, signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** A FIFO that somebody reads. Fails with ENXIO when nobody does, with EPIPE once nobody does any more. */
  writeFifo(path: string): Writable;
  /** Makes the directory and its parents. */
  makeDirectory(path: string, mode?: number): Promise<void>;
  /**
   * Opens a place below a directory and follows no link on the way, nor at its end: that is an error (ELOOP, ENOTDIR).
   * `parts` are names. With `makeMode`, directories that are missing are made, with that very mode.
   */
  openWithin(base: string, parts: readonly string[], makeMode?: number): Promise<PlaceHandle>;
  /** Only an empty directory. Absent is fine. */
  removeDirectory(path: string): Promise<void>;
  /** A file, link or socket. Absent is fine. */
  removeFile(path: string): Promise<void>;
  /**
   * A tree, staying on one file system: refuses, with nothing removed, when something is mounted below. Follows no
   * links. Absent is fine.
   */
  removeTree(path: string): Promise<void>;
  list(path: string): Promise<readonly string[]>;
  /** Follows no link at the end of the path. Absent: undefined. */
  stat(path: string): Promise<FileStat | undefined>;
  rename(from: string, to: string): Promise<void>;
  symlink(target: string, path: string): Promise<void>;
  readLink(path: string): Promise<string>;
  /** The absolute path with every link followed. */
  realPath(path: string): Promise<string>;
  /** Follows no link at the end of the path: a link is an error. */
  chmod(path: string, mode: number): Promise<void>;
  /** Follows no link at the end of the path: the link itself changes hands. */
  chown(path: string, uid: number, gid: number): Promise<void>;
  /** Makes a sparse file of exactly `sizeBytes`, or grows one; never shrinks. Durable on return, a new file's name not yet. */
  allocate(path: string, sizeBytes: bigint): Promise<void>;
  /**
   * A file that shares its blocks with another until one of them is written to, whatever their size: the other as it is at
   * one moment. Durable on return, its name not yet. Fails with ENOTSUP where the file system has no reflinks, with EEXIST
   * where there is a file already.
   */
  clone(from: string, to: string): Promise<void>;
  /** Makes the directory's entries durable. */
  syncDirectory(path: string): Promise<void>;
  statFs(path: string): Promise<FileSystemUsage>;
  /** Calls back (at least once after) each change of the directory's entries, until the returned function is called. */
  watchDirectory(path: string, changed: () => void): () => void;
}

/** A line of the mount table. */
export interface MountEntry {
  readonly id: number;
  readonly target: string;
  /** The device or source, e.g. /dev/loop0. */
  readonly source: string;
  /** Path within the source's file system that is mounted; '/' but for bind mounts. */
  readonly root: string;
  readonly fsType: string;
  readonly options: readonly string[];
  /** Major and minor number of the file system, `7:0`. */
  readonly device: string;
  /** A deleted source shows here. */
  readonly deleted: boolean;
}

export interface MountRequest {
  readonly source: string;
  readonly target: string;
  /** Absent for bind mounts. */
  readonly fsType?: string;
  /** e.g. ['ro', 'noatime']; 'bind' makes a bind mount ('bind' with 'ro' remounts read-only as mount(8) must). */
  readonly options?: readonly string[];
}

export interface Mounts {
  /** The whole table of this mount namespace, in mount order. */
  list(): Promise<readonly MountEntry[]>;
  mount(request: MountRequest): Promise<void>;
  /**
   * Unmounts the topmost mount at exactly `target`. Not mounted: an error. `force`: also when its server does not answer,
   * whatever becomes of what was not written yet. `timeoutMs`: TimeoutError after so long. @default 120000
   */
  unmount(target: string, options?: { readonly force?: boolean; readonly timeoutMs?: number }): Promise<void>;
  /** Resolves once all that was written to the file system before is on its device. */
  sync(target: string): Promise<void>;
  /** As `sync`, and nobody can write to the file system until `thaw`. */
  freeze(target: string): Promise<void>;
  /** Not frozen is fine. */
  thaw(target: string): Promise<void>;
  /** Whether something is mounted at exactly `target`. */
  isMountPoint(target: string): Promise<boolean>;
}

export interface LoopDevice {
  /** /dev/loopN */
  readonly device: string;
  readonly backingFile: string;
  readonly readOnly: boolean;
  /** The backing file is gone from its path. */
  readonly deleted: boolean;
}

export interface LoopDevices {
  list(): Promise<readonly LoopDevice[]>;
  /** One of them; undefined when nothing is attached to it. */
  get(device: string): Promise<LoopDevice | undefined>;
  /** Attaches the file to a free loop device. */
  attach(file: string, options?: { readOnly?: boolean; directIo?: boolean }): Promise<string>;
  detach(device: string): Promise<void>;
  /** Makes the device see the present size of its file. */
  refresh(device: string): Promise<void>;
}

/** What a blkid probe finds; both absent on a blank device. */
export interface DiskSignature {
  /** TYPE: a file system, RAID or LVM member … */
  readonly type?: string;
  /** PTTYPE: a partition table. */
  readonly partitionTable?: string;
}

export interface Disks {
  /** Everything known that is on the device; throws when the probe itself fails or is ambivalent. */
  signature(device: string): Promise<DiskSignature | undefined>;
  /** mkfs. The caller must have looked at the signature: this destroys data. */
  format(device: string, fsType: string, options?: readonly string[]): Promise<void>;
  /**
   * fsck -a as mount-utils does. `corrected` when it mended something; throws when errors were left. A known `fsType`
   * saves the time of finding it out.
   */
  check(device: string, fsType?: string): Promise<'clean' | 'corrected' | 'no-tool'>;
  sizeBytes(device: string): Promise<bigint>;
  /**
   * Whether somebody has the device for himself: it is mounted, in whatever mount namespace, or part of another device.
   * What is not there, or no block device, is not in use.
   */
  isInUse(device: string): Promise<boolean>;
  /** Resolves once all that was written to the device before is on its medium. */
  flush(device: string): Promise<void>;
  /** Grows the file system to its device. `mountPath` is where it is mounted. */
  grow(device: string, mountPath: string, fsType: string): Promise<void>;
  /** The same, of one that is mounted nowhere; false, and nothing done, for a kind that grows only while it is mounted. */
  growUnmounted(device: string, fsType: string): Promise<boolean>;
}

export interface ExecOptions {
  readonly input?: string;
  /** The process group is killed after so long. @default 120000 */
  readonly timeoutMs?: number;
  /** The process group is killed, and the call rejects, when it writes more than this to either stream. @default 1 MiB */
  readonly maxOutputBytes?: number;
  /** Added to PATH and LC_ALL=C; nothing else of our own environment is handed down. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /**
   * The command ends all that it starts before it ends itself, so that it may be run from a shell that others are run
   * from too. Saves the copying of our own page tables: 5 ms of the event loop. @default false
   */
  readonly leavesNoProcess?: boolean;
  /** Errors name the command alone. @default false */
  readonly argumentsAreSecret?: boolean;
  readonly signal?: AbortSignal;
}

export interface ExecResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface SpawnRequest {
  readonly command: string;
  readonly args: readonly string[];
  /** Added to PATH and LC_ALL=C; nothing else of our own environment is handed down. */
  readonly env?: Readonly<Record<string, string>>;
  /** What the process reads from its standard input, all of it at once. Absent: nothing. */
  readonly input?: string;
  /**
   * Awaited when the process has its number and before it runs the command: what it is to be found by is written down
   * first. If this fails, or we are killed meanwhile, the process ends and the command has never run.
   */
  readonly before?: (process: ProcessId) => Promise<void>;
  /** Called when the process ends while we live. `exitCode` is undefined when a signal ended it. */
  readonly onExit?: (exitCode: number | undefined) => void;
  readonly cwd?: string;
  /** Files (or pipes) that standard output and error are opened on. Absent: discarded. */
  readonly stdoutPath?: string;
  readonly stderrPath?: string;
}

/** A child whose descriptors lead to us, and which therefore notices when we are gone. */
export interface ConnectedProcess {
  /** Of descriptor 0 (which it reads), 1 and 2 (which it writes), 3 and up (both ways). */
  readonly streams: readonly [Writable, Readable, Readable, ...Duplex[]];
  /** Resolves when it has ended; undefined when a signal ended it. Rejects when it cannot be started. */
  readonly exit: Promise<number | undefined>;
}

/** A process that can be told from a later one with the same number. */
export interface ProcessId {
  readonly pid: number;
  /** Start time in clock ticks since boot (/proc/PID/stat field 22). */
  readonly startTicks: bigint;
}

export interface Processes {
  /** Runs a command to its end. Any exit code resolves; a command that cannot start or runs over its time rejects. */
  exec(command: string, args: readonly string[], options?: ExecOptions): Promise<ExecResult>;
  /** Starts a process in a session of its own that outlives us. */
  spawn(request: SpawnRequest): Promise<ProcessId>;
  /** Starts a process in a session of its own with so many descriptors, all of which lead to us. */
  connect(command: string, args: readonly string[], descriptors: number): ConnectedProcess;
  isAlive(process: ProcessId): Promise<boolean>;
  /** Sends a signal to the process, or to its whole group. Gone already: nothing happens. */
  kill(process: ProcessId, signal: NodeJS.Signals, options?: { group?: boolean }): Promise<void>;
  /** The children of a process, oldest first. */
  children(pid: number): Promise<readonly ProcessId[]>;
  find(pid: number): Promise<ProcessId | undefined>;
}

/** An HTTP answer, as far as a probe reads it. */
export interface HttpAnswer {
  readonly statusCode: number;
  /** At most the first 10 KiB. */
  readonly body: string;
  /** Where it says that the answer is. */
  readonly location?: string;
}

/** What a server says of itself (grpc.health.v1). */
export type GrpcHealth = 'UNKNOWN' | 'SERVING' | 'NOT_SERVING' | 'SERVICE_UNKNOWN';

/** Connections to servers on this machine, for probes and forwarded ports. Errors carry the `code` of the system call. */
export interface Network {
  /** Resolves once a TCP connection is made; it is closed at once. */
  connect(host: string, port: number, options: { readonly timeoutMs: number }): Promise<void>;
  /** A TCP connection that stays; the caller ends it. Bytes can be sent when one side has ended (half-open). */
  open(host: string, port: number): Promise<Duplex>;
  /**
   * Asks a gRPC server for the health of a service. Rejects with a TimeoutError when no connection is made in time, else
   * with the error of the call: its status `code` and `details`.
   */
  grpcHealth(
    host: string,
    port: number,
    service: string,
    options: { readonly timeoutMs: number },
  ): Promise<GrpcHealth>;
  /** Any status resolves. A server's certificate is not looked at: the question is whether it answers. */
  httpGet(
    url: { readonly secure: boolean; readonly host: string; readonly port: number; readonly path: string },
    options: { readonly timeoutMs: number; readonly headers?: Readonly<Record<string, string>> },
  ): Promise<HttpAnswer>;
}
