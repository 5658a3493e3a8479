import { chmod, mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../../src/base/index.ts';
import { createLinuxHost } from '../../src/host/linux/index.ts';

/** A file system of a few megabytes at a directory. It is below a test's directory: scrub unmounts it. */
export class SmallDisk {
  readonly #directory: string;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  static async mount(directory: string, megabytes: number): Promise<SmallDisk> {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const { mounts } = createLinuxHost({ clock: systemClock });
    await mounts.mount({
      source: 'tmpfs',
      target: directory,
      fsType: 'tmpfs',
      options: [`size=${megabytes}m`],
    });
    await chmod(directory, 0o700);
    return new SmallDisk(directory);
  }

  /** Whether it can be written to, as of a disk that has failed. */
  async setReadOnly(readOnly: boolean): Promise<void> {
    const { processes } = createLinuxHost({ clock: systemClock });
    const { exitCode, stderr } = await processes.exec('mount', [
      ...['-o', `remount,${readOnly ? 'ro' : 'rw'}`],
      this.#directory,
    ]);
    if (exitCode !== 0) throw new Error(stderr);
  }

  /** Fills it to the last byte; resolves to what frees it again. */
  async fill(): Promise<() => Promise<void>> {
    const path = join(this.#directory, 'filler');
    const file = await open(path, 'w');
    const block = Buffer.alloc(4096);
    try {
      for (;;) await file.write(block);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    } finally {
      await file.close();
    }
    return () => rm(path);
  }
}
