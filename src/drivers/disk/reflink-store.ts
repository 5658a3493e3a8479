import { dirname } from 'node:path';
import { errorMessage, type Logger } from '../../base/index.ts';
import type { Host } from '../../host/index.ts';

const MIB = 1n << 20n;
/** The log of an XFS alone has 64 MiB, and more on larger ones. */
const LEAST_FREE_BYTES = 1024n * MIB;
/** statfs(2): XFS and Btrfs. */
const WITH_REFLINKS: ReadonlySet<string> = new Set(['0x58465342', '0x9123683e']);
/** `discard`: what a deleted volume had goes back to the file system below. */
const MOUNT_OPTIONS = ['discard', 'noatime', 'nouuid'];

/** Where the volumes of a pool are. */
export interface Store {
  /** Why files cannot share blocks here; undefined when they can. */
  readonly obstacle: string | undefined;
  /** The file system below, whose space the store takes bit by bit. */
  readonly below: string;
  /** Unmounts what was mounted, unless something still uses it. */
  close(): Promise<void>;
}

type Parts = Pick<Host, 'files' | 'mounts' | 'loops' | 'disks' | 'processes'>;

/** Files of a store beside the pool's directory, which it is mounted on. */
const filesOf = (directory: string) => ({
  image: `${directory}.xfs`,
  /** The image in the making. */
  making: `${directory}.xfs.new`,
  /** Where an image in the making is mounted. */
  moving: `${directory}.moving`,
  /** The names that were moved into the image, and are to go from the directory. */
  moved: `${directory}.moved`,
});

/**
 * Makes the pool's directory one whose files can share blocks: as it is where its file system has reflinks, else with an
 * XFS image mounted on it. Volumes that are there already are moved into the image, at a time when nothing uses them.
 * See docs/decisions/0009-reflinks.md. One process at a time may have a directory open.
 */
export async function openStore(directory: string, host: Parts, log: Logger): Promise<Store> {
  const { files } = host;
  await files.makeDirectory(directory, 0o700);
  const store = new ReflinkStore(await files.realPath(directory), host, log);
  return store.open();
}

class ReflinkStore {
  readonly #directory: string;
  readonly #host: Parts;
  readonly #log: Logger;

  constructor(directory: string, host: Parts, log: Logger) {
    this.#directory = directory;
    this.#host = host;
    this.#log = log;
  }

  async open(): Promise<Store> {
    const { files } = this.#host;
    const { image } = filesOf(this.#directory);
    const below = dirname(this.#directory);
    const plain = (obstacle?: string): Store => ({ obstacle, below, close: async () => {} });
    const hasImage = (await files.stat(image)) !== undefined;
    if (!hasImage && WITH_REFLINKS.has((await files.statFs(this.#directory)).type)) return plain();
    const isForeign = (await this.#host.mounts.isMountPoint(this.#directory)) && !(await this.#isOpen());
    if (isForeign) {
      const why = `${this.#directory} is a file system of its own without reflinks; mount one that has them (XFS, Btrfs)`;
      if (hasImage) throw new Error(`${why}, or none: the volumes are in ${image}`);
      return plain(why);
    }
    if (!hasImage) {
      try {
        await this.#make(below);
      } catch (error) {
        const why = errorMessage(error);
        this.#log.warn('no snapshots of volumes in this pool', { pool: this.#directory, why });
        return plain(why);
      }
    }
    await this.#mount();
    await this.#grow(below);
    return { obstacle: undefined, below, close: () => this.#close() };
  }

  /** Makes the image, with the volumes that are there in it. Cut short anywhere, it is begun again or carried to its end. */
  async #make(below: string): Promise<void> {
    const { files, disks, loops } = this.#host;
    const { image, making, moved } = filesOf(this.#directory);
    const isAttached = (await loops.list()).some(
      ({ backingFile }) => dirname(backingFile) === this.#directory,
    );
    if (isAttached) {
      throw new Error(
        `${this.#directory} is on a file system without reflinks, and its volumes are in use; start again when no pod uses them, and they are moved to one that has them`,
      );
    }
    const { totalBytes, availableBytes } = await files.statFs(below);
    if (availableBytes < LEAST_FREE_BYTES) {
      throw new Error(
        `${this.#directory} is on a file system without reflinks; one of its own needs ${LEAST_FREE_BYTES} bytes, and ${availableBytes} are free in ${below}`,
      );
    }
    await this.#unmakeMoving();
    const size = (totalBytes / MIB) * MIB;
    await files.allocate(making, size > LEAST_FREE_BYTES ? size : LEAST_FREE_BYTES);
    try {
      await disks.format(making, 'xfs');
      const names = await files.list(this.#directory);
      if (names.length > 0) await this.#move(names);
      await files.writeAtomic(moved, JSON.stringify(names), 0o600);
      await files.rename(making, image);
      await files.syncDirectory(below);
    } catch (error) {
      await files.removeFile(making);
      throw new Error(
        `${this.#directory} is on a file system without reflinks, and one of its own could not be made: ${errorMessage(error)}`,
        { cause: error },
      );
    }
  }

  async #move(names: readonly string[]): Promise<void> {
    const { files, mounts, processes } = this.#host;
    const { making, moving } = filesOf(this.#directory);
    this.#log.info('moving volumes to a file system with reflinks', {
      pool: this.#directory,
      files: names.length,
    });
    await files.makeDirectory(moving, 0o700);
    const device = await this.#attach(making);
    try {
      await mounts.mount({ source: device, target: moving, fsType: 'xfs', options: MOUNT_OPTIONS });
      try {
        const paths = names.map((name) => `${this.#directory}/${name}`);
        const args = ['--archive', '--sparse=always', '--', ...paths, moving];
        const { exitCode, stderr } = await processes.exec('cp', args, {
          timeoutMs: Number.POSITIVE_INFINITY,
        });
        if (exitCode !== 0) throw new Error(`move volumes: ${stderr.trim()}`);
        await mounts.sync(moving);
      } finally {
        await mounts.unmount(moving);
      }
    } finally {
      await this.#host.loops.detach(device);
    }
    await files.removeDirectory(moving);
  }

  /** What a move that was cut short has left. */
  async #unmakeMoving(): Promise<void> {
    const { files, mounts, loops } = this.#host;
    const { making, moving, moved } = filesOf(this.#directory);
    if (await mounts.isMountPoint(moving)) await mounts.unmount(moving);
    for (const { device, backingFile } of await loops.list())
      if (backingFile === making) await loops.detach(device);
    await files.removeFile(making);
    await files.removeFile(moved);
    await files.removeDirectory(moving);
  }

  async #mount(): Promise<void> {
    const { files, mounts } = this.#host;
    const { image, moved } = filesOf(this.#directory);
    if (await this.#isOpen()) return;
    const present = await this.#deviceOf(image);
    if (await files.stat(moved)) {
      const names = JSON.parse(await files.read(moved)) as readonly string[];
      for (const name of names) await files.removeFile(`${this.#directory}/${name}`);
      await files.syncDirectory(this.#directory);
      await files.removeFile(moved);
    }
    const hidden = await files.list(this.#directory);
    if (hidden.length > 0)
      this.#log.warn('files that the pool hides', { pool: this.#directory, files: hidden.length });
    const device = present ?? (await this.#attach(image));
    await mounts.mount({
      source: device,
      target: this.#directory,
      fsType: 'xfs',
      options: MOUNT_OPTIONS,
    });
  }

  /** The store is as large as the file system below it: that is what runs out first. */
  async #grow(below: string): Promise<void> {
    const { files, loops, disks } = this.#host;
    const { image } = filesOf(this.#directory);
    const { totalBytes } = await files.statFs(below);
    const size = (totalBytes / MIB) * MIB;
    const present = BigInt((await files.stat(image))?.sizeBytes ?? 0);
    const device = await this.#deviceOf(image);
    if (size <= present || !device) return;
    try {
      await files.allocate(image, size);
      await loops.refresh(device);
      await disks.grow(device, this.#directory, 'xfs');
    } catch (error) {
      this.#log.warn('the pool stays as large as it is', {
        pool: this.#directory,
        error: errorMessage(error),
      });
    }
  }

  async #close(): Promise<void> {
    const { mounts, loops } = this.#host;
    const device = await this.#deviceOf(filesOf(this.#directory).image);
    if (!device) return;
    const isUsed = (await loops.list()).some(({ backingFile }) => dirname(backingFile) === this.#directory);
    if (isUsed) return;
    if (await this.#isMounted(device)) await mounts.unmount(this.#directory);
    try {
      await loops.detach(device);
    } catch (error) {
      // Somebody copied the mount with all others, as every new mount namespace does. Nothing is lost: the kernel detaches
      // the device when he lets go of it.
      this.#log.warn('the loop device of the pool stays', {
        pool: this.#directory,
        error: errorMessage(error),
      });
    }
  }

  /** Whether the image is mounted on the directory: a run before this one may not have come to its end. */
  async #isOpen(): Promise<boolean> {
    const device = await this.#deviceOf(filesOf(this.#directory).image);
    return device !== undefined && (await this.#isMounted(device));
  }

  async #isMounted(device: string): Promise<boolean> {
    return (await this.#host.mounts.list()).some(
      ({ source, target }) => source === device && target === this.#directory,
    );
  }

  async #deviceOf(image: string): Promise<string | undefined> {
    const found = (await this.#host.loops.list()).find(
      ({ backingFile, deleted }) => backingFile === image && !deleted,
    );
    return found?.device;
  }

  /** Past the cache of the file system below, where that can: what is in it is cached once already. */
  async #attach(image: string): Promise<string> {
    const { loops } = this.#host;
    try {
      return await loops.attach(image, { directIo: true });
    } catch {
      return loops.attach(image);
    }
  }
}
