import type { FileStat, Files } from '../host.ts';
import { copyFile } from './copy-file.ts';
import { type Inode, systemError } from './inode.ts';
import type { Machine } from './machine.ts';

/** Kernel calls take text or bytes; the simulation keeps text. */
function textOf(content: string | Uint8Array): string {
  return typeof content === 'string' ? content : Buffer.from(content).toString('latin1');
}

const unsupported = (what: string) => (): never => {
  throw new Error(`the simulated host has no ${what}`);
};

const POOL_BYTES = 1n << 40n;

/** The file calls of a machine, each done at once. Async only in type: SimHost gives them their time. */
export function machineFiles(machine: Machine, now: () => number): Files {
  const write = (path: string, content: string | Uint8Array, mode = 0o644): Inode => {
    const node = machine.lookup(path)?.node ?? machine.makeFile(path, 'file', mode);
    if (node.kind !== 'file') throw systemError('EISDIR', 'open', path);
    node.content = textOf(content);
    node.sizeBytes = node.content.length;
    node.modifiedAtMs = now();
    return node;
  };
  const remove = (path: string, call: string, allowed: (node: Inode) => void) => {
    if (!machine.lookup(path.slice(0, path.lastIndexOf('/')) || '/')) return;
    const { directory, name, path: canonical } = machine.parent(path, call);
    const node = directory.entries.get(name);
    if (!node) return;
    if (machine.topMount(canonical)) throw systemError('EBUSY', call, path);
    allowed(node);
    machine.setName(directory, name, undefined, canonical);
  };
  const files: Files = {
    async read(path) {
      const node = machine.node(path, 'open');
      if (node.kind !== 'file') throw systemError('EISDIR', 'read', path);
      return node.content;
    },
    async writeAtomic(path, content, mode = 0o644) {
      const { directory, name, path: canonical } = machine.parent(path, 'open');
      const node = machine.inode('file', directory.fileSystem, canonical, mode);
      node.content = textOf(content);
      node.sizeBytes = node.content.length;
      machine.setName(directory, name, node, canonical);
    },
    writeWhole: (path, content, mode) => files.writeAtomic(path, content, mode),
    async write(path, content, mode) {
      write(path, content, mode);
    },
    async append(path, content) {
      const before = machine.lookup(path)?.node;
      write(path, (before?.content ?? '') + textOf(content));
    },
    openAppend: unsupported('append handles'),
    openRead: unsupported('read handles'),
    readFifo: unsupported('FIFOs'),
    writeFifo: unsupported('FIFOs'),
    async makeDirectory(path, mode) {
      machine.makeDirectory(path, mode);
    },
    async openWithin(base, parts, makeMode) {
      let path = machine.lookup(base)?.path;
      if (path === undefined) throw systemError('ENOENT', 'open', base);
      for (const part of parts) {
        path = `${path}/${part}`;
        const found = machine.lookup(path, false);
        if (found?.node.kind === 'symlink') throw systemError('ELOOP', 'open', path);
        if (!found && makeMode === undefined) throw systemError('ENOENT', 'open', path);
        if (!found) machine.makeDirectory(path, makeMode);
      }
      const node = machine.node(path, 'open', false);
      return { path, stat: async () => statOf(node), close: async () => undefined };
    },
    async removeDirectory(path) {
      remove(path, 'rmdir', (node) => {
        if (node.kind !== 'directory') throw systemError('ENOTDIR', 'rmdir', path);
        if (node.entries.size > 0) throw systemError('ENOTEMPTY', 'rmdir', path);
      });
    },
    async removeFile(path) {
      remove(path, 'unlink', (node) => {
        if (node.kind === 'directory') throw systemError('EISDIR', 'unlink', path);
      });
    },
    async removeTree(path) {
      const below = machine.mounts().find(({ target }) => target === path || target.startsWith(`${path}/`));
      if (below) throw systemError('EBUSY', 'rm', below.target);
      remove(path, 'rm', () => undefined);
    },
    async list(path) {
      const node = machine.node(path, 'scandir');
      if (node.kind !== 'directory') throw systemError('ENOTDIR', 'scandir', path);
      return [...node.entries.keys()];
    },
    async stat(path) {
      const parent = path.slice(0, path.lastIndexOf('/')) || '/';
      if (!machine.lookup(parent)) return undefined;
      const found = machine.reach(path, 'lstat', false);
      return found && statOf(found.node);
    },
    async rename(from, to) {
      const source = machine.parent(from, 'rename');
      const node = source.directory.entries.get(source.name);
      if (!node) throw systemError('ENOENT', 'rename', from);
      const target = machine.parent(to, 'rename');
      machine.rename(source, target, node);
    },
    async symlink(target, path) {
      const { directory, name, path: canonical } = machine.parent(path, 'symlink');
      if (directory.entries.has(name)) throw systemError('EEXIST', 'symlink', path);
      const made = { ...machine.inode('symlink', directory.fileSystem, canonical, 0o777), target };
      machine.setName(directory, name, made, canonical);
    },
    async readLink(path) {
      const { target } = machine.node(path, 'readlink', false);
      if (target === undefined) throw systemError('EINVAL', 'readlink', path);
      return target;
    },
    async realPath(path) {
      const found = machine.lookup(path);
      if (!found) throw systemError('ENOENT', 'realpath', path);
      return found.path;
    },
    async chmod(path, mode) {
      machine.node(path, 'chmod', false).mode = mode;
    },
    async chown(path, uid, gid) {
      Object.assign(machine.node(path, 'chown', false), { uid, gid });
    },
    async allocate(path, sizeBytes) {
      const node = machine.lookup(path)?.node ?? machine.makeFile(path, 'file', 0o600);
      node.sizeBytes = Math.max(node.sizeBytes, Number(sizeBytes));
    },
    async clone(from, to) {
      const source = machine.node(from, 'open');
      if (source.kind !== 'file') throw systemError('EISDIR', 'clone', from);
      if (machine.lookup(to)) throw systemError('EEXIST', 'clone', to);
      copyFile(machine, source, machine.makeFile(to, 'file', source.mode));
    },
    async syncDirectory(path) {
      machine.node(path, 'open');
      machine.sync();
    },
    async statFs(path) {
      machine.node(path, 'statfs');
      return {
        totalBytes: POOL_BYTES,
        freeBytes: POOL_BYTES,
        availableBytes: POOL_BYTES,
        inodes: 1n << 20n,
        freeInodes: 1n << 20n,
        // It has reflinks, whatever it is.
        type: '0x58465342',
      };
    },
    watchDirectory: (path, changed) => machine.watch(machine.lookup(path)?.path ?? path, changed),
  };
  return files;
}

function statOf(node: Inode): FileStat {
  return {
    kind: node.kind,
    sizeBytes: node.sizeBytes,
    allocatedBytes: node.content.length,
    mode: node.mode,
    uid: node.uid,
    gid: node.gid,
    rdev: node.rdev,
    inode: node.number,
    device: BigInt(
      Number(node.fileSystem.device.split(':')[0]) * 256 + Number(node.fileSystem.device.split(':')[1]),
    ),
    modifiedAtMs: node.modifiedAtMs,
  };
}
