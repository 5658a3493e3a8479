import * as callbacks from 'node:fs';
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  watch,
  writeFileSync,
} from 'node:fs';
import * as fs from 'node:fs/promises';
import { Socket } from 'node:net';
import { basename, dirname, join } from 'node:path';
import type { Writable } from 'node:stream';
import { promisify } from 'node:util';
import type { AppendHandle, Files, ReadHandle } from '../host.ts';
import { temporaryName } from '../temporary-name.ts';
import { fileStat } from './file-stat.ts';
import { makeDirectories } from './make-directories.ts';
import { O_PATH, openWithin } from './open-within.ts';
import { bytesOf, mayBeOther, nameOf } from './path-bytes.ts';
import { removeTree } from './remove-tree.ts';

// Bare descriptors, without the handle objects of node:fs/promises.
const open = promisify(callbacks.open);
const sync = promisify(callbacks.fsync);
const syncData = promisify(callbacks.fdatasync);

let temporaryNames = 0;

/** Linux has no lchmod: the place is opened without following a link, and changed through the handle. */
async function chmod(path: string, mode: number): Promise<void> {
  const place = await fs.open(bytesOf(path), O_PATH | constants.O_NOFOLLOW);
  try {
    await fs.chmod(`/proc/self/fd/${place.fd}`, mode);
  } finally {
    await place.close();
  }
}

export function createFiles(): Files {
  return {
    read: (path) => fs.readFile(path, 'utf8'),
    writeAtomic: (path, content, mode) => writeBeside(path, content, mode, 'sync'),
    writeWhole: (path, content, mode) => writeBeside(path, content, mode, 'leave to the kernel'),
    write: (path, content, mode) => write(path, 'w', content, mode, 'sync'),
    append: (path, content) => fs.appendFile(path, content),
    openAppend,
    openRead,
    readFifo,
    writeFifo,
    makeDirectory: makeDirectories,
    openWithin,
    removeDirectory: (path) => ignoreAbsent(fs.rmdir(path)),
    removeFile: (path) => ignoreAbsent(fs.unlink(path)),
    removeTree,
    list,
    async stat(path) {
      try {
        return fileStat(await fs.lstat(bytesOf(path), { bigint: true }));
      } catch (error) {
        if (isAbsent(error)) return undefined;
        throw error;
      }
    },
    rename: (from, to) => fs.rename(from, to),
    symlink: (target, path) => fs.symlink(target, path),
    readLink: (path) => fs.readlink(path),
    realPath: (path) => fs.realpath(path),
    chmod,
    chown: (path, uid, gid) => fs.lchown(bytesOf(path), uid, gid),
    allocate,
    clone,
    syncDirectory,
    async statFs(path) {
      const found = await fs.statfs(path, { bigint: true });
      return {
        totalBytes: found.blocks * found.bsize,
        freeBytes: found.bfree * found.bsize,
        availableBytes: found.bavail * found.bsize,
        inodes: found.files,
        freeInodes: found.ffree,
        type: `0x${found.type.toString(16)}`,
      };
    },
    watchDirectory(path, changed) {
      const watcher = watch(path, { persistent: false }, () => changed());
      // The directory went, or the watch broke: whoever watches looks for himself.
      watcher.on('error', () => changed());
      return () => watcher.close();
    },
  };
}

async function list(path: string): Promise<string[]> {
  const names = await fs.readdir(bytesOf(path));
  if (!names.some(mayBeOther)) return names;
  return (await fs.readdir(bytesOf(path), { encoding: 'buffer' })).map(nameOf);
}

function isAbsent(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === 'ENOENT' || code === 'ENOTDIR';
}

async function ignoreAbsent(work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!isAbsent(error)) throw error;
  }
}

/** When what was written is to be on the disk. */
type Durability = 'sync' | 'leave to the kernel';

async function writeBeside(
  path: string,
  content: string | Uint8Array,
  mode: number | undefined,
  durability: Durability,
): Promise<void> {
  const writer = `${process.pid}.${temporaryNames++}`;
  const temporary = join(dirname(path), temporaryName(basename(path), writer));
  try {
    await write(temporary, 'wx', content, mode, durability);
    await fs.rename(temporary, path);
  } catch (error) {
    await fs.rm(temporary, { force: true });
    throw error;
  }
}

async function write(
  path: string,
  flags: 'w' | 'wx',
  content: string | Uint8Array,
  mode: number | undefined,
  durability: Durability,
): Promise<void> {
  const fd = await open(path, flags, mode);
  try {
    // Into memory, and it is little: done in half the time that handing it to other threads takes.
    writeFileSync(fd, content);
    // The mode of an open is subject to the umask.
    if (mode !== undefined) fchmodSync(fd, mode);
    if (durability === 'sync') await syncData(fd);
  } finally {
    closeSync(fd);
  }
}

async function openAppend(path: string): Promise<AppendHandle> {
  const file = await fs.open(path, 'a', 0o640);
  let sizeBytes = (await file.stat()).size;
  return {
    get sizeBytes() {
      return sizeBytes;
    },
    async write(content) {
      const bytes = typeof content === 'string' ? Buffer.from(content) : content;
      await file.writeFile(bytes);
      sizeBytes += bytes.length;
    },
    close: () => file.close(),
  };
}

async function openRead(path: string): Promise<ReadHandle> {
  const file = await fs.open(path, 'r');
  return {
    async read(position, maxBytes) {
      const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(maxBytes), 0, maxBytes, position);
      return buffer.subarray(0, bytesRead);
    },
    stat: async () => fileStat(await file.stat({ bigint: true })),
    close: () => file.close(),
  };
}

function readFifo(path: string, signal: AbortSignal): AsyncIterable<Uint8Array> {
  // Opened without waiting and given to the event loop: no thread of the pool hangs in a read.
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  if (!fstatSync(fd).isFIFO()) {
    closeSync(fd);
    throw new Error(`read ${path}: not a FIFO`);
  }
  const first = readNow(fd);
  // Nobody has it open for writing, so no event would ever tell of the end.
  if (first?.length === 0) {
    closeSync(fd);
    return (async function* () {})();
  }
  return chunksOf(new Socket({ fd, readable: true, writable: false }), first, signal);
}

function writeFifo(path: string): Writable {
  const fd = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
  if (!fstatSync(fd).isFIFO()) {
    closeSync(fd);
    throw new Error(`write ${path}: not a FIFO`);
  }
  return new Socket({ fd, readable: false, writable: true });
}

/** What is in a FIFO now: empty at its end, undefined when a writer has nothing to say yet. */
function readNow(fd: number): Uint8Array | undefined {
  const buffer = Buffer.allocUnsafe(64 * 1024);
  try {
    return buffer.subarray(0, readSync(fd, buffer));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return undefined;
    closeSync(fd);
    throw error;
  }
}

async function* chunksOf(
  socket: Socket,
  first: Uint8Array | undefined,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const stop = () => socket.destroy();
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  try {
    if (first) yield first;
    for await (const chunk of socket as AsyncIterable<Buffer>) yield chunk;
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    signal.removeEventListener('abort', stop);
    socket.destroy();
  }
}

async function allocate(path: string, sizeBytes: bigint): Promise<void> {
  const fd = await open(path, constants.O_RDWR | constants.O_CREAT, 0o600);
  try {
    // In memory until it is synced: done sooner than handed to another thread.
    if (fstatSync(fd, { bigint: true }).size < sizeBytes) ftruncateSync(fd, Number(sizeBytes));
    await sync(fd);
  } finally {
    closeSync(fd);
  }
}

async function clone(from: string, to: string): Promise<void> {
  await fs.copyFile(from, to, constants.COPYFILE_FICLONE_FORCE | constants.COPYFILE_EXCL);
  const fd = await open(to, constants.O_RDWR);
  try {
    await sync(fd);
  } finally {
    closeSync(fd);
  }
}

async function syncDirectory(path: string): Promise<void> {
  const fd = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await sync(fd);
  } finally {
    closeSync(fd);
  }
}
