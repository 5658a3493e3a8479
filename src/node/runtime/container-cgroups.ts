import { basename, dirname } from 'node:path';
import { type Clock, errorMessage, type Logger, sleep } from '../../base/index.ts';
import type { Host } from '../../host/index.ts';
import { CgroupTree, type CgroupUsage, readUsage, wasOomKilled } from '../cgroups/index.ts';
import type { ContainerSetup, PodUsage } from './contract.ts';
import type { StoredContainer } from './stored-state.ts';

/** Killed processes are gone in a blink; looked for so often, and at most so often. */
const GONE_POLL_MS = 10;
const GONE_POLLS = 500;

export type StoredCgroup = NonNullable<StoredContainer['cgroup']>;

export interface ContainerCgroupsOptions {
  readonly host: Host;
  readonly clock: Clock;
  readonly log: Logger;
  /** Tells the groups of this runtime from others on the machine. */
  readonly name: string;
}

/** Limits for containers where the machine has them to give; elsewhere nothing happens. */
export class ContainerCgroups {
  readonly #options: ContainerCgroupsOptions;
  #tree: CgroupTree | undefined;

  constructor(options: ContainerCgroupsOptions) {
    this.#options = options;
  }

  /** Looks once whether there can be limits, and says so if not. */
  async open(): Promise<void> {
    const tree = await CgroupTree.open(this.#options);
    if (tree instanceof CgroupTree) this.#tree = tree;
    else
      this.#options.log.info('containers have no limits on processor, memory and processes', {
        because: tree,
      });
  }

  /** The group for a container that is to be started; undefined where there are none. */
  async create(config: ContainerSetup, id: string): Promise<StoredCgroup | undefined> {
    if (!this.#tree || !config.cgroup) return undefined;
    return { directory: await this.#tree.create(config.podUid, id, config.cgroup), wanted: config.cgroup };
  }

  async adopt({ podUid, cgroup }: Pick<StoredContainer, 'podUid' | 'cgroup'>): Promise<void> {
    if (cgroup) await this.#tree?.adopt(podUid, cgroup.wanted);
  }

  /** The figures of one pod's containers that have groups. */
  async usage(stored: readonly StoredContainer[]): Promise<PodUsage | undefined> {
    const { host, clock } = this.#options;
    const read = (directory: string) => readUsage(host.files, directory, clock.now());
    const [first] = stored.flatMap(({ cgroup }) => cgroup ?? []);
    const pod = first && (await read(dirname(first.directory)));
    if (!pod) return undefined;
    const containers = new Map<string, CgroupUsage>();
    for (const { id, cgroup } of stored) {
      const found = cgroup && (await read(cgroup.directory));
      if (found) containers.set(id, found);
    }
    return { pod, containers };
  }

  wasOomKilled({ directory }: StoredCgroup): Promise<boolean> {
    return wasOomKilled(this.#options.host.files, directory);
  }

  /** Ends every process of a container and removes its group. Gone already is fine. */
  async remove({ directory }: StoredCgroup): Promise<void> {
    const { host, clock, log } = this.#options;
    for (let polls = 1; ; polls++) {
      try {
        await host.files.removeDirectory(directory);
        return;
      } catch (error) {
        if (polls === GONE_POLLS) {
          log.warn('a control group is left', { directory, error: errorMessage(error) });
          return;
        }
      }
      await host.files.append(`${directory}/cgroup.kill`, '1').catch(() => undefined);
      await sleep(clock, GONE_POLL_MS);
    }
  }

  /** The last container of a pod is gone. */
  async removePod(podUid: string, { wanted }: StoredCgroup): Promise<void> {
    const { log } = this.#options;
    await this.#tree
      ?.removePod(podUid, wanted)
      .catch((error) => log.warn("a pod's control group is left", { podUid, error: errorMessage(error) }));
  }

  /** Removes the groups of containers that nobody knows: their agent ended between making the group and noting it. */
  async removeUnknown(known: ReadonlySet<string>): Promise<void> {
    for (const { podUid, qos, directories } of (await this.#tree?.pods()) ?? []) {
      const unknown = directories.filter((directory) => !known.has(basename(directory)));
      for (const directory of unknown) await this.remove({ directory } as StoredCgroup);
      if (unknown.length === directories.length)
        await this.removePod(podUid, { wanted: { qos } } as StoredCgroup);
    }
  }

  /** Lets go of the tree, and takes it away if nothing is in it. */
  async close(): Promise<void> {
    await this.#tree?.close();
  }
}
