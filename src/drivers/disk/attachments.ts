import { basename, dirname } from 'node:path';
import type { Host, LoopDevice, MountEntry } from '../../host/index.ts';
import type { Pool } from './pool.ts';

/** The loop devices of a pool's images. Nothing is remembered: the kernel knows. */
export class Attachments {
  readonly #pool: Pool;
  readonly #host: Host;

  constructor(pool: Pool, host: Host) {
    this.#pool = pool;
    this.#host = host;
  }

  /**
   * The volume's loop device; attached anew where there is none (a reboot takes them). Never a second one: two devices
   * on one image have a page cache each.
   * @throws CsiStatus INTERNAL if the image is not what it must be.
   */
  async attach(id: string, readOnly: boolean): Promise<string> {
    const [present] = await this.#loopsOf(id);
    if (present?.readOnly === readOnly) return present.device;
    await this.#pool.checkImage(id);
    if (present) {
      const [where] = await this.mountPoints(id);
      if (where) {
        throw new Error(
          `volume ${id} is attached ${present.readOnly ? 'read-only' : 'for writing'} and mounted at ${where}`,
        );
      }
      await this.#host.loops.detach(present.device);
    }
    return this.#host.loops.attach(this.#pool.imagePath(id), { readOnly });
  }

  /** Not attached is fine. The caller must have looked at the mount points. */
  async detach(id: string): Promise<void> {
    for (const loop of await this.#loopsOf(id)) await this.#host.loops.detach(loop.device);
  }

  /** Where the volume is mounted, or its device node is bound. */
  async mountPoints(id: string): Promise<readonly string[]> {
    const loops = await this.#loopsOf(id);
    if (loops.length === 0) return [];
    const mounts = await this.#host.mounts.list();
    const uses = await Promise.all(loops.map(({ device }) => usesOf(this.#host, mounts, device)));
    return uses.flat().map((entry) => entry.target);
  }

  /**
   * Gives back the loop devices of the pool that nothing has mounted: all with `published`, otherwise those of volumes
   * that are not published or gone. Each is tried; what failed is returned.
   */
  async reclaim(options: { published: boolean }): Promise<readonly unknown[]> {
    const loops = (await this.#host.loops.list()).filter(
      (loop) => dirname(loop.backingFile) === this.#pool.directory,
    );
    if (loops.length === 0) return [];
    const inUse = new Set(
      this.#pool
        .volumes()
        .filter(({ publishedTo }) => publishedTo !== undefined)
        .map(({ id }) => this.#pool.imagePath(id)),
    );
    const mounts = await this.#host.mounts.list();
    const failures: unknown[] = [];
    for (const { device, backingFile, deleted } of loops) {
      if (!options.published && !deleted && inUse.has(backingFile)) continue;
      try {
        const uses = await usesOf(this.#host, mounts, device);
        if (uses.length === 0) await this.#host.loops.detach(device);
      } catch (error) {
        failures.push(error);
      }
    }
    return failures;
  }

  async #loopsOf(id: string): Promise<LoopDevice[]> {
    const image = this.#pool.imagePath(id);
    return (await this.#host.loops.list()).filter((loop) => loop.backingFile === image && !loop.deleted);
  }
}

/**
 * The mounts of the file system on a device, and the places where the device's own node is bound: the mount table shows
 * those as a piece of /dev, and only the node that is there tells which device it is.
 */
export async function usesOf(
  host: Pick<Host, 'files'>,
  mounts: readonly MountEntry[],
  device: string,
): Promise<readonly MountEntry[]> {
  const number = (await host.files.stat(device))?.rdev;
  const uses = await Promise.all(
    mounts.map(async (entry) => {
      if (entry.source === device || entry.device === number) return true;
      if (!entry.root.endsWith(`/${basename(device)}`)) return false;
      const bound = await host.files.stat(entry.target);
      return bound?.kind === 'block' && bound.rdev === number;
    }),
  );
  return mounts.filter((_, index) => uses[index]);
}
