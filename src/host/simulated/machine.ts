import type { LoopDevice, MountEntry } from '../host.ts';
import { type FileSystem, type Inode, type InodeKind, systemError } from './inode.ts';

export interface SimMount {
  readonly id: number;
  readonly target: string;
  readonly source: string;
  readonly sourceRoot: string;
  readonly fsType: string;
  options: readonly string[];
  readonly fileSystem: FileSystem;
  readonly root: Inode;
  /** Of network storage: what the mount was made under. */
  readonly grant?: Grant;
}

/** What a node has been granted of network storage. A mount works as long as the grant that it was made under is open. */
export interface Grant {
  readonly volumeId: string;
  readonly node: string;
  readonly readOnly: boolean;
  /** Shuts out every other node. */
  readonly exclusive: boolean;
  open: boolean;
}

/** The network storage that a machine can mount: file systems by the id of the volume, with the grants to each machine. */
export interface Network {
  readonly storage: {
    get(
      volumeId: string,
    ): { readonly fileSystem: FileSystem; readonly grants: ReadonlyMap<string, Grant> } | undefined;
  };
  reachable(): boolean;
}

/** How many of the latest changes a loss of power takes: a whole number below `limit`. */
export type Losses = (limit: number) => number;

export interface SimLoop {
  readonly device: string;
  readonly number: string;
  readonly backingFile: string;
  readonly image: Inode;
  readonly readOnly: boolean;
  /** Given back as soon as nothing has it mounted. */
  autoclear: boolean;
}

/** A name in a directory. */
export interface Place {
  readonly directory: Inode;
  readonly name: string;
  /** Canonical. */
  readonly path: string;
}

/** What a path leads to. */
export interface Found {
  readonly node: Inode;
  /** Canonical. */
  readonly path: string;
  /** The mount that it lies in. */
  readonly mount: SimMount | undefined;
}

const MAX_LINKS = 40;
/** The file system's journal is committed this often whoever asks. */
const COMMIT_MS = 5_000;
/** From so many changes on it is looked which are committed by now. */
const LEAST_UNDO = 64;

/**
 * The kernel of a simulated machine: file systems, the mount table, loop devices. Everything here takes no time; what a
 * process sees of it goes through a SimHost.
 */
export class Machine {
  readonly name: string;
  readonly network: Network | undefined;
  readonly #now: () => number;
  readonly #losses: Losses;
  #nextInode = 1n;
  #nextMount = 1;
  #boot = 1;
  #root: FileSystem;
  #devices: FileSystem;
  #mounts: SimMount[] = [];
  /** Mounts by target, the topmost last. */
  readonly #at = new Map<string, SimMount[]>();
  /** The last names of all targets so far. */
  readonly #mountNames = new Set<string>();
  readonly #loops = new Map<string, SimLoop>();
  /** File systems to which nobody can write. */
  readonly frozen = new Set<FileSystem>();
  readonly #watches = new Set<{ path: string; changed: () => void }>();
  /** Takes back the changes of names that are not durable yet, oldest first: the file system's journal is one. */
  #undo: { readonly atMs: number; take(): void }[] = [];
  #undoLimit = LEAST_UNDO;

  constructor(name: string, now: () => number, losses: Losses, network?: Network) {
    this.name = name;
    this.network = network;
    this.#now = now;
    this.#losses = losses;
    this.#root = this.#fileSystem('ext4', '8:1', false);
    this.#devices = this.#fileSystem('devtmpfs', '0:5', true);
    this.makeDirectory('/dev');
    // It was installed long ago.
    this.sync();
    this.#bootMounts();
  }

  get bootId(): string {
    return `${this.name}-boot-${this.#boot}`;
  }

  /**
   * The power goes and comes back: mounts, loop devices and what is in memory are gone; of the names that nobody made
   * durable any number of the latest is gone too.
   */
  reboot(): void {
    this.#boot++;
    this.#mounts = [];
    this.frozen.clear();
    this.#at.clear();
    this.#loops.clear();
    this.#watches.clear();
    const fresh = this.#undo.filter(({ atMs }) => atMs > this.#now() - COMMIT_MS);
    const lost = this.#losses(fresh.length + 1);
    for (const { take } of fresh.slice(fresh.length - lost).reverse()) take();
    this.#undo = [];
    this.#devices = this.#fileSystem('devtmpfs', '0:5', true);
    this.#bootMounts();
  }

  mounts(): readonly SimMount[] {
    return this.#mounts;
  }

  mountEntry(mount: SimMount): MountEntry {
    return {
      id: mount.id,
      target: mount.target,
      source: mount.source,
      root: mount.sourceRoot,
      fsType: mount.fsType,
      options: mount.options,
      device: mount.fileSystem.device,
      deleted: false,
    };
  }

  /** A file system that is mounted nowhere any more is not frozen. */
  forgetFrozen(): void {
    for (const fileSystem of this.frozen)
      if (!this.#mounts.some((mount) => mount.fileSystem === fileSystem)) this.frozen.delete(fileSystem);
  }

  topMount(target: string): SimMount | undefined {
    return this.#at.get(target)?.at(-1);
  }

  mount(mount: Omit<SimMount, 'id'>): SimMount {
    const made = { ...mount, id: this.#nextMount++ };
    this.#mounts = [...this.#mounts, made];
    const stack = this.#at.get(made.target);
    if (stack) stack.push(made);
    else this.#at.set(made.target, [made]);
    this.#mountNames.add(made.target.slice(made.target.lastIndexOf('/') + 1));
    return made;
  }

  unmount(target: string): void {
    const stack = this.#at.get(target);
    const top = stack?.at(-1);
    if (!stack || !top) throw systemError('EINVAL', 'umount', target);
    if (this.#mounts.some((other) => other.target.startsWith(`${target}/`)))
      throw systemError('EBUSY', 'umount', target);
    stack.pop();
    if (stack.length === 0) this.#at.delete(target);
    this.#mounts = this.#mounts.filter((mount) => mount !== top);
    for (const loop of this.#loops.values()) if (loop.autoclear) this.#clearLoop(loop);
  }

  loops(): readonly SimLoop[] {
    return [...this.#loops.values()];
  }

  loop(device: string): SimLoop | undefined {
    return this.#loops.get(device);
  }

  loopDevice(loop: SimLoop): LoopDevice {
    const deleted = this.lookup(loop.backingFile, false)?.node !== loop.image;
    return {
      device: loop.device,
      backingFile: deleted ? `${loop.backingFile} (deleted)` : loop.backingFile,
      readOnly: loop.readOnly,
      deleted,
    };
  }

  attachLoop(path: string, readOnly: boolean): string {
    const image = this.node(path, 'losetup');
    let minor = 0;
    while (this.#loops.has(`/dev/loop${minor}`)) minor++;
    const device = `/dev/loop${minor}`;
    const number = `7:${minor}`;
    this.#loops.set(device, { device, number, backingFile: path, image, readOnly, autoclear: false });
    const name = `loop${minor}`;
    this.#devices.root.entries.set(name, {
      ...this.inode('block', this.#devices, `/${name}`, 0o660),
      rdev: number,
    });
    return device;
  }

  detachLoop(device: string): void {
    const loop = this.#loops.get(device);
    if (!loop) throw systemError('ENXIO', 'losetup -d', device);
    loop.autoclear = true;
    this.#clearLoop(loop);
  }

  /** Where what is read from a node is kept: that of a device in its image, undefined when nothing is attached to it. */
  contentOf(node: Inode): Inode | undefined {
    if (node.kind !== 'block') return node;
    const loop = this.loops().find(({ number }) => number === node.rdev);
    return loop && this.contentOf(loop.image);
  }

  /** Where a device is mounted, or bound as a device node. */
  usesOf(loop: SimLoop): readonly SimMount[] {
    const name = loop.device.slice('/dev'.length);
    return this.#mounts.filter(
      (mount) =>
        mount.fileSystem.device === loop.number ||
        (mount.fileSystem === this.#devices && mount.sourceRoot === name),
    );
  }

  /** What a path leads to, with its canonical form; undefined: nothing. */
  lookup(path: string, follow = true, depth = 0): Found | undefined {
    if (depth > MAX_LINKS) throw systemError('ELOOP', 'open', path);
    let mount = this.#at.get('/')?.at(-1);
    let node = mount?.root ?? this.#root.root;
    let canonical = '';
    const parts = path.split('/').filter((part) => part !== '' && part !== '.');
    for (let at = 0; at < parts.length; at++) {
      if (node.kind !== 'directory') throw systemError('ENOTDIR', 'open', path);
      const part = parts[at]!;
      const child = node.entries.get(part);
      if (!child) return undefined;
      if (child.kind === 'symlink' && (follow || at < parts.length - 1)) {
        const target = child.target!.startsWith('/') ? child.target! : `${canonical}/${child.target}`;
        return this.lookup([target, ...parts.slice(at + 1)].join('/'), follow, depth + 1);
      }
      canonical += `/${part}`;
      // Looked for by the whole path only where something is mounted under such a name.
      const mounted = this.#mountNames.has(part) ? this.topMount(canonical) : undefined;
      if (mounted) mount = mounted;
      node = mounted?.root ?? child;
    }
    return { node, path: canonical || '/', mount };
  }

  /** What a path leads to; a share that was taken away answers nobody. */
  reach(path: string, call: string, follow = true): Found | undefined {
    const found = this.lookup(path, follow);
    if (found?.mount?.grant?.open === false) throw systemError('ESTALE', call, path);
    return found;
  }

  node(path: string, call: string, follow = true): Inode {
    const found = this.reach(path, call, follow);
    if (!found) throw systemError('ENOENT', call, path);
    return found.node;
  }

  /** The directory that holds the path's last name. */
  parent(path: string, call: string): Place {
    const cut = path.lastIndexOf('/');
    const found = this.lookup(path.slice(0, cut) || '/');
    if (!found) throw systemError('ENOENT', call, path);
    if (found.node.kind !== 'directory') throw systemError('ENOTDIR', call, path);
    const name = path.slice(cut + 1);
    return { directory: found.node, name, path: `${found.path === '/' ? '' : found.path}/${name}` };
  }

  /** Puts, replaces or takes a name; whoever watches the directory hears of it. */
  setName(directory: Inode, name: string, node: Inode | undefined, path: string): void {
    const previous = directory.entries.get(name);
    this.#change(directory, name, node, path);
    if (!directory.fileSystem.volatile) this.#remember(() => restore(directory, name, previous));
  }

  /** Both names change in one step, whatever the power does. */
  rename(from: Place, to: Place, node: Inode): void {
    const previous = to.directory.entries.get(to.name);
    this.#change(from.directory, from.name, undefined, from.path);
    this.#change(to.directory, to.name, node, to.path);
    const take = () => {
      restore(to.directory, to.name, previous);
      restore(from.directory, from.name, node);
    };
    if (!to.directory.fileSystem.volatile) this.#remember(take);
  }

  /** What is older than the last commit cannot be taken back any more: it is dropped, now and then. */
  #remember(take: () => void): void {
    this.#undo.push({ atMs: this.#now(), take });
    if (this.#undo.length < this.#undoLimit) return;
    this.#undo = this.#undo.filter(({ atMs }) => atMs > this.#now() - COMMIT_MS);
    this.#undoLimit = Math.max(LEAST_UNDO, 2 * this.#undo.length);
  }

  #change(directory: Inode, name: string, node: Inode | undefined, path: string): void {
    if (node) directory.entries.set(name, node);
    else directory.entries.delete(name);
    directory.modifiedAtMs = this.#now();
    const parent = path.slice(0, path.lastIndexOf('/')) || '/';
    for (const watch of this.#watches) if (watch.path === parent) watch.changed();
  }

  /** Commits the journal: every change of names so far is durable. */
  sync(): void {
    this.#undo = [];
  }

  makeDirectory(path: string, mode = 0o755): void {
    const parts = path.split('/').filter((part) => part !== '');
    let at = '';
    for (const part of parts) {
      const found = this.lookup(`${at}/${part}`);
      if (found && found.node.kind !== 'directory') throw systemError('EEXIST', 'mkdir', path);
      if (!found) {
        const { directory, name, path: canonical } = this.parent(`${at}/${part}`, 'mkdir');
        const made = this.inode('directory', directory.fileSystem, canonical, mode);
        this.setName(directory, name, made, canonical);
      }
      at += `/${part}`;
    }
  }

  makeFile(path: string, kind: InodeKind, mode: number): Inode {
    const { directory, name, path: canonical } = this.parent(path, 'open');
    const made = this.inode(kind, directory.fileSystem, canonical, mode);
    this.setName(directory, name, made, canonical);
    return made;
  }

  watch(path: string, changed: () => void): () => void {
    const watch = { path, changed };
    this.#watches.add(watch);
    return () => this.#watches.delete(watch);
  }

  inode(kind: InodeKind, fileSystem: FileSystem, birthPath: string, mode: number): Inode {
    return {
      kind,
      number: this.#nextInode++,
      fileSystem,
      content: '',
      sizeBytes: 0,
      mode,
      uid: 0,
      gid: 0,
      modifiedAtMs: this.#now(),
      entries: new Map(),
      birthPath,
    };
  }

  newFileSystem(type: string, device: string, volatile = false): FileSystem {
    return this.#fileSystem(type, device, volatile);
  }

  #fileSystem(type: string, device: string, volatile: boolean): FileSystem {
    const made = { type, device, volatile } as FileSystem & { root: Inode };
    made.root = this.inode('directory', made, '/', 0o755);
    return made;
  }

  #bootMounts(): void {
    const root = { options: ['rw'], sourceRoot: '/' };
    this.mount({
      ...root,
      target: '/',
      source: '/dev/sda1',
      fsType: 'ext4',
      fileSystem: this.#root,
      root: this.#root.root,
    });
    this.mount({
      ...root,
      target: '/dev',
      source: 'udev',
      fsType: 'devtmpfs',
      fileSystem: this.#devices,
      root: this.#devices.root,
    });
  }

  #clearLoop(loop: SimLoop): void {
    const pins = this.loops().filter(({ image }) => image.rdev === loop.number);
    if (this.usesOf(loop).length > 0 || pins.length > 0) return;
    this.#loops.delete(loop.device);
    this.#devices.root.entries.delete(loop.device.slice('/dev/'.length));
    // One that it was attached to was kept by it.
    for (const other of this.loops())
      if (other.autoclear && other.number === loop.image.rdev) this.#clearLoop(other);
  }
}

function restore(directory: Inode, name: string, previous: Inode | undefined): void {
  if (previous) directory.entries.set(name, previous);
  else directory.entries.delete(name);
}
