import { dirname, join, normalize } from 'node:path';
import type { Files } from '../../host/index.ts';

export interface FileProjection {
  readonly data: Uint8Array;
  /** Permission bits. */
  readonly mode: number;
  /** Whose it is. @default the node's own user */
  readonly uid?: number;
}

/** Files by path relative to the volume. */
export type Payload = ReadonlyMap<string, FileProjection>;

const DATA = '..data';
const NEW_DATA = '..data_tmp';
/** What newDirectory makes. */
const DIRECTORY_NAME = /^\.\.\d{4}(_\d\d){5}\.\d+$/;
const MAX_FILE_NAME_LENGTH = 255;
const MAX_PATH_LENGTH = 4096;

/**
 * Why a path cannot be projected into a volume; `undefined` when it can.
 * Source: validatePath, pkg/volume/util/atomic_writer.go.
 */
export function invalidPath(path: string): string | undefined {
  if (path === '') return 'invalid path: must not be empty: ""';
  if (path.startsWith('/')) return `invalid path: must be relative path: ${path}`;
  if (path.length > MAX_PATH_LENGTH)
    return `invalid path: must be less than or equal to ${MAX_PATH_LENGTH} characters`;
  const parts = path.split('/');
  for (const part of parts) {
    if (part === '..') return `invalid path: must not contain '..': ${path}`;
    if (part.length > MAX_FILE_NAME_LENGTH)
      return `invalid path: filenames must be less than or equal to ${MAX_FILE_NAME_LENGTH} characters`;
  }
  if (parts[0]!.startsWith('..')) return `invalid path: must not start with '..': ${path}`;
  return undefined;
}

export interface AtomicWriteOptions {
  /** Wall time in milliseconds, for the name of the new directory. */
  readonly nowMs: number;
  /** Called before the new files can be seen: sets their ownership. */
  readonly beforePublish?: () => Promise<void>;
}

/**
 * Makes a volume hold exactly the payload, at once for whoever reads it: files lie in a directory of their own, the
 * link `..data` is swapped to it, and user-visible names are links through `..data`. Resolves with whether anything
 * had to be written. Source: AtomicWriter, pkg/volume/util/atomic_writer.go.
 * @throws Error on a path that is not allowed.
 */
export async function writePayload(
  files: Files,
  directory: string,
  payload: Payload,
  options: AtomicWriteOptions,
): Promise<boolean> {
  const clean = cleanPayload(payload);
  const previous = await currentDirectory(files, directory);
  const stale = previous ? await stalePaths(files, join(directory, previous), clean) : [];
  const upToDate =
    previous !== undefined && stale.length === 0 && (await holds(files, join(directory, previous), clean));
  if (!upToDate) {
    const name = await newDirectory(files, directory, options.nowMs);
    try {
      await writeFiles(files, join(directory, name), clean);
      await options.beforePublish?.();
      await files.removeFile(join(directory, NEW_DATA)); // left by a crash
      await files.symlink(name, join(directory, NEW_DATA));
      await files.rename(join(directory, NEW_DATA), join(directory, DATA));
    } catch (error) {
      await files.removeTree(join(directory, name)).catch(() => undefined);
      throw error;
    }
  }
  await linkVisible(files, directory, clean);
  // Only the links at the top: what lies deeper goes with the old directory.
  for (const path of stale) if (!path.includes('/')) await files.removeFile(join(directory, path));
  if (!upToDate && previous) await files.removeTree(join(directory, previous));
  return !upToDate;
}

function cleanPayload(payload: Payload): Payload {
  const clean = new Map<string, FileProjection>();
  for (const [path, projection] of payload) {
    const why = invalidPath(path);
    if (why) throw new Error(why);
    clean.set(normalize(path), projection);
  }
  return clean;
}

/**
 * The directory that `..data` leads to. A link that leads anywhere else is none of ours: followed, it would have us
 * remove what it names.
 */
async function currentDirectory(files: Files, directory: string): Promise<string | undefined> {
  const path = join(directory, DATA);
  if ((await files.stat(path))?.kind !== 'symlink') return undefined;
  const name = await files.readLink(path);
  if (!DIRECTORY_NAME.test(name)) return undefined;
  return (await files.stat(join(directory, name)))?.kind === 'directory' ? name : undefined;
}

/** Paths of the old version, files and directories, that the payload no longer has. */
async function stalePaths(files: Files, directory: string, payload: Payload): Promise<string[]> {
  const wanted = new Set<string>();
  for (const path of payload.keys()) {
    for (let part = path; part !== '.'; part = dirname(part)) wanted.add(part);
  }
  const stale: string[] = [];
  const walk = async (relative: string): Promise<void> => {
    for (const name of await files.list(join(directory, relative))) {
      const path = relative ? `${relative}/${name}` : name;
      if (!wanted.has(path)) stale.push(path);
      const stat = await files.stat(join(directory, path));
      if (stat?.kind === 'directory') await walk(path);
    }
  };
  if (await files.stat(directory)) await walk('');
  return stale;
}

async function holds(files: Files, directory: string, payload: Payload): Promise<boolean> {
  for (const [path, { data }] of payload) {
    const at = join(directory, path);
    const stat = await files.stat(at);
    if (stat?.kind !== 'file' || stat.sizeBytes !== data.byteLength) return false;
    const text = Buffer.from(data).toString('utf8');
    // Bytes that are no text cannot be compared as text: written again, which is never wrong.
    if (text.includes('\ufffd') || text !== (await files.read(at))) return false;
  }
  return true;
}

/** A directory named by time, `..2026_01_31_23_59_59.NUMBER`, that was not there before. */
async function newDirectory(files: Files, directory: string, nowMs: number): Promise<string> {
  const stamp = new Date(nowMs).toISOString().slice(0, 19).replaceAll(/[-:T]/g, '_');
  for (let number = nowMs % 1000; ; number++) {
    const name = `..${stamp}.${number}`;
    if (await files.stat(join(directory, name))) continue;
    await files.makeDirectory(join(directory, name));
    await files.chmod(join(directory, name), 0o755);
    return name;
  }
}

async function writeFiles(files: Files, directory: string, payload: Payload): Promise<void> {
  for (const path of payload.keys())
    if (path.includes('/')) await files.makeDirectory(dirname(join(directory, path)));
  // Nobody sees the directory yet, so the order is nobody's business.
  await Promise.all(
    [...payload].map(async ([path, { data, mode, uid }]) => {
      const at = join(directory, path);
      // Not durable: after a loss of power it is compared with what it should be, and written again.
      await files.writeWhole(at, data, mode);
      if (uid !== undefined) await files.chown(at, uid, (await files.stat(at))!.gid);
    }),
  );
}

async function linkVisible(files: Files, directory: string, payload: Payload): Promise<void> {
  const names = new Set([...payload.keys()].map((path) => path.split('/')[0]!));
  for (const name of names) {
    if (await files.stat(join(directory, name))) continue;
    await files.symlink(join(DATA, name), join(directory, name));
  }
}
