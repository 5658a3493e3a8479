import { dirname } from 'node:path';
import type { Host, LoopDevice, MountEntry } from '../../host/index.ts';
import { formatAndMount } from '../../volume/mount/index.ts';
import { usesOf } from '../shared/mounted.ts';
import type { Pool } from './pool.ts';

/** How the node that a volume is published to reaches its data. */
export interface Attachments {
  /** Whether a volume has a file system of its own, of the type that was asked for. */
  readonly hasFileSystem: boolean;
  /** Where the volume's data is: a device, or a directory. */
  attach(id: string, readOnly: boolean): Promise<string>;
  /** Makes what `attach` said a file system at `target`. */
  mount(source: string, target: string, how: { fsType: string; options: readonly string[] }): Promise<void>;
  /** Not attached is fine. The caller must have looked at the mount points. */
  detach(id: string): Promise<void>;
  /** The volume's block device; undefined where it has none now. */
  device(id: string): Promise<string | undefined>;
  /** Lets whoever has the volume see what size it has become. Not attached is fine. */
  refresh(id: string): Promise<void>;
  /** Where the volume is mounted, or its device node is bound. */
  mountPoints(id: string): Promise<readonly string[]>;
  /** Whether one of them is this path; quicker where there are many volumes. */
  isMountedAt(id: string, path: string): Promise<boolean>;
  /** Gives back what nothing has mounted; what failed is returned. */
  reclaim(options: { published: boolean }): Promise<readonly unknown[]>;
}

/** The loop devices of a pool's images. Nothing is remembered but where to look first: the kernel knows. */
export class LoopDevices implements Attachments {
  readonly hasFileSystem = true;
  readonly #pool: Pool;
  readonly #host: Host;
  /** By volume, the device that it was last found at: to look at all devices takes its time where there are many. */
  readonly #lastSeen = new Map<string, string>();

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
    const present = (await this.#seenAgain(id)) ?? (await this.#loopsOf(id))[0];
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
    const device = await this.#host.loops.attach(this.#pool.imagePath(id), { readOnly });
    this.#lastSeen.set(id, device);
    return device;
  }

  async mount(
    device: string,
    target: string,
    { fsType, options }: { fsType: string; options: readonly string[] },
  ): Promise<void> {
    await formatAndMount(this.#host, { device, target, fsType, options });
  }

  async detach(id: string): Promise<void> {
    this.#lastSeen.delete(id);
    for (const loop of await this.#loopsOf(id)) await this.#host.loops.detach(loop.device);
  }

  /** The devices that a volume is attached as, and what of them is mounted or bound. */
  async inUse(id: string): Promise<readonly { device: string; mounts: readonly MountEntry[] }[]> {
    const loops = await this.#loopsOf(id);
    if (loops.length === 0) return [];
    const table = await this.#host.mounts.list();
    return Promise.all(
      loops.map(async ({ device }) => ({ device, mounts: await usesOf(this.#host, table, device) })),
    );
  }

  async device(id: string): Promise<string | undefined> {
    return (await this.#loopsOf(id))[0]?.device;
  }

  async refresh(id: string): Promise<void> {
    for (const loop of await this.#loopsOf(id)) await this.#host.loops.refresh(loop.device);
  }

  async mountPoints(id: string): Promise<readonly string[]> {
    return (await this.inUse(id)).flatMap(({ mounts }) => mounts.map(({ target }) => target));
  }

  async isMountedAt(id: string, path: string): Promise<boolean> {
    const loop = (await this.#seenAgain(id)) ?? (await this.#loopsOf(id))[0];
    if (!loop) return false;
    this.#lastSeen.set(id, loop.device);
    const there = (await this.#host.mounts.list()).filter(({ target }) => target === path);
    return (await usesOf(this.#host, there, loop.device)).length > 0;
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
    return (await this.#host.loops.list()).filter((loop) => this.#isOf(id, loop));
  }

  async #seenAgain(id: string): Promise<LoopDevice | undefined> {
    const device = this.#lastSeen.get(id);
    const loop = device && (await this.#host.loops.get(device));
    return loop && this.#isOf(id, loop) ? loop : undefined;
  }

  #isOf(id: string, loop: LoopDevice): boolean {
    return loop.backingFile === this.#pool.imagePath(id) && !loop.deleted;
  }
}
