import { createHash, type Hash } from 'node:crypto';
import { constants } from 'node:fs';
import * as fs from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createDecompressor } from './decompress.ts';
import { resolveWithin } from './resolve-within.ts';
import { readTar, type TarEntry } from './tar.ts';

const WHITEOUT = '.wh.';
/** Whatever lower layers have in this directory is gone. */
const OPAQUE = '.wh..wh..opq';

export interface UnpackLimits {
  /** @default 64 GiB */
  readonly maxBytes?: number;
  /** @default 4 million */
  readonly maxEntries?: number;
}

export interface Unpacked {
  /** Of the files written. */
  readonly bytes: number;
  /** The digest of the layer without compression. */
  readonly diffId: string;
}

/**
 * Unpacks a layer of an image (OCI image specification, layer.md; gzip, zstd or plain) over what is in `root`: whiteouts
 * remove, entries replace. Nothing outside of `root` is written, removed or linked to, whatever the archive says. Devices
 * are left out: a container gets its own.
 */
export async function unpackLayer(
  source: AsyncIterable<Uint8Array>,
  root: string,
  { maxBytes = 64 * 2 ** 30, maxEntries = 4_000_000 }: UnpackLimits = {},
): Promise<Unpacked> {
  let bytes = 0;
  let entries = 0;
  /** What this layer itself has brought: an opaque directory keeps it. */
  const own = new Set<string>();
  /** Their times are set last, for every entry below changes them. */
  const directories = new Map<string, TarEntry>();
  const hash = createHash('sha256');
  const plain = hashed(createDecompressor(source), hash);
  await readTar(plain, async (entry, content) => {
    if (++entries > maxEntries) throw new Error(`more than ${maxEntries} entries`);
    bytes += entry.sizeBytes;
    if (bytes > maxBytes) throw new Error(`more than ${maxBytes} bytes`);
    const parts = entryParts(entry.name);
    const name = parts.pop();
    if (name === undefined) return fs.chmod(root, entry.mode);
    const parent = await resolveWithin(root, parts, { make: true });
    if (name === OPAQUE) return clear(parent, own);
    if (name.startsWith(WHITEOUT)) {
      const hidden = name.slice(WHITEOUT.length);
      if (hidden === '' || hidden === '.' || hidden === '..')
        throw new Error(`${JSON.stringify(entry.name)} is no whiteout`);
      return remove(join(parent, hidden), own);
    }
    const path = join(parent, name);
    await writeEntry(entry, content, path, root);
    for (let at = path; at !== root && !own.has(at); at = dirname(at)) own.add(at);
    if (entry.kind === 'directory') directories.set(path, entry);
  });
  for (const [path, { modifiedAtMs }] of directories) await setTimes(path, modifiedAtMs);
  return { bytes, diffId: `sha256:${hash.digest('hex')}` };
}

async function* hashed(source: AsyncIterable<Uint8Array>, hash: Hash): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) {
    hash.update(chunk);
    yield chunk;
  }
}

/** The components of an entry's name. @throws Error when it leads upwards */
function entryParts(name: string): string[] {
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..') || name.includes('\0'))
    throw new Error(`entry ${JSON.stringify(name)} leads out of the image`);
  return parts;
}

async function writeEntry(
  entry: TarEntry,
  content: AsyncIterable<Uint8Array>,
  path: string,
  root: string,
): Promise<void> {
  const there = await fs.lstat(path).catch(() => undefined);
  // A directory stays when it is one again: the layers below have filled it.
  if (there && !(there.isDirectory() && entry.kind === 'directory'))
    await fs.rm(path, { recursive: true, force: true });
  switch (entry.kind) {
    case 'character':
    case 'block':
    case 'fifo':
      return;
    case 'symlink':
      await fs.symlink(entry.target, path);
      await giveTo(path, entry);
      return;
    case 'hardlink':
      return linkWithin(entry, path, root);
    case 'directory':
      if (!there?.isDirectory()) await fs.mkdir(path);
      break;
    case 'file':
      await writeFile(path, content);
  }
  // The owner first: a change of hands takes the set-user-id bit away.
  await giveTo(path, entry);
  await fs.chmod(path, entry.mode);
  if (entry.kind === 'file') await setTimes(path, entry.modifiedAtMs);
}

async function writeFile(path: string, content: AsyncIterable<Uint8Array>): Promise<void> {
  const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;
  const file = await fs.open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  try {
    for await (const chunk of content) await file.writeFile(chunk);
  } finally {
    await file.close();
  }
}

/** A second name of a file of the image, of that alone. */
async function linkWithin(entry: TarEntry, path: string, root: string): Promise<void> {
  const parts = entryParts(entry.target);
  const name = parts.pop();
  const parent = await resolveWithin(root, parts, { make: false });
  const target = join(parent, name ?? '');
  const there = await fs.lstat(target).catch(() => undefined);
  if (name === undefined || !there || there.isDirectory())
    throw new Error(
      `entry ${JSON.stringify(entry.name)} is a link to ${JSON.stringify(entry.target)}, which the image has not got`,
    );
  await fs.link(target, path);
}

/** Removes what lower layers have brought. */
async function clear(directory: string, own: ReadonlySet<string>): Promise<void> {
  for (const name of await fs.readdir(directory)) await remove(join(directory, name), own);
}

async function remove(path: string, own: ReadonlySet<string>): Promise<void> {
  if (!own.has(path)) await fs.rm(path, { recursive: true, force: true });
  else if ((await fs.lstat(path)).isDirectory()) await clear(path, own);
}

async function setTimes(path: string, modifiedAtMs: number): Promise<void> {
  const seconds = modifiedAtMs / 1000;
  await fs.lutimes(path, seconds, seconds).catch((error: NodeJS.ErrnoException) => {
    // A later entry of the layer has taken it away.
    if (error.code !== 'ENOENT') throw error;
  });
}

/** In a user namespace that does not have the owner the file stays ours. */
async function giveTo(
  path: string,
  { uid, gid }: { readonly uid: number; readonly gid: number },
): Promise<void> {
  try {
    await fs.lchown(path, uid, gid);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EINVAL') throw error;
  }
}
