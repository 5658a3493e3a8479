import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { promisify } from 'node:util';
import { systemClock } from '../../src/base/index.ts';
import { createLinuxHost } from '../../src/host/linux/index.ts';
import type { Pod, Stored } from '../../src/kube/index.ts';

/** Why tests of a kernel of their own do not run here; false in the virtual machine. For the `skip` option of a test. */
export const notInMachine: string | false =
  process.env.STOWAGE_VM === '1' ? false : 'runs in a virtual machine: npm run test:vm';

export const host = createLinuxHost({ clock: systemClock });

const run = promisify(execFile);

/** Runs a script to its end; resolves to what it wrote. Rejects when one of its commands fails. */
export async function shell(script: string): Promise<string> {
  const { stdout } = await run('/bin/sh', ['-e', '-c', script], {
    timeout: 300_000,
    env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` },
  });
  return stdout;
}

/** What the tests of a `describe` share: it goes at their end, the last of it first. */
export class MachineScratch {
  readonly #deferred: (() => unknown)[] = [];
  #directory: string | undefined;

  /** To be made in the body of the `describe`. */
  constructor() {
    before(async () => {
      this.#directory = await mkdtemp(join(tmpdir(), 'stowage-vm-'));
    });
    after(async () => {
      for (const undo of this.#deferred.reverse()) await undo();
      for (const { target } of (await host.mounts.list()).toReversed())
        if (target.startsWith(`${this.directory}/`))
          await host.processes.exec('umount', ['-f', '-l', target]);
      await rm(this.directory, { recursive: true, force: true });
    });
  }

  get directory(): string {
    if (this.#directory === undefined) throw new Error('the directory is there once tests have begun');
    return this.#directory;
  }

  defer(undo: () => unknown): void {
    this.#deferred.push(undo);
  }
}

export function podNamed(uid: string): Stored<Pod> {
  return { metadata: { name: uid, namespace: 'ns', uid } } as unknown as Stored<Pod>;
}

/** The options with which something is mounted at a place. */
export async function mountOptionsAt(path: string): Promise<readonly string[]> {
  const found = (await host.mounts.list()).filter(({ target }) => target === path);
  return found.at(-1)?.options ?? [];
}
