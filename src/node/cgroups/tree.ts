import { dirname, join } from 'node:path';
import { errorMessage } from '../../base/index.ts';
import type { Host } from '../../host/index.ts';
import { milliCpuToShares, podCpuWeight } from './conversions.ts';
import type { CgroupSettings, ContainerCgroup, QosClass } from './resources.ts';

/** What limits need of the kernel. */
const CONTROLLERS = ['cpu', 'memory', 'pids'];
/** Told for their pressure and for the figures, where the kernel has them. */
const MORE_CONTROLLERS = ['io', 'cpuset', 'hugetlb'];

const CLASSES: Readonly<Record<QosClass, string>> = {
  Guaranteed: '',
  Burstable: 'burstable',
  BestEffort: 'besteffort',
};

export interface CgroupTreeOptions {
  readonly host: Pick<Host, 'files' | 'mounts' | 'info'>;
  /** Tells the trees of one machine apart: nodes share it, with others perhaps. */
  readonly name: string;
}

/**
 * The control groups (version 2) of a node's containers: `NAME/kubepods[/burstable|/besteffort]/podUID/CONTAINER`, as the
 * kubelet's.
 */
export class CgroupTree {
  readonly #files: Host['files'];
  readonly #cpus: number;
  readonly #root: string;
  /** What pods ask for, for the weight of their class. */
  readonly #pods = new Map<string, ContainerCgroup>();

  private constructor({ host }: CgroupTreeOptions, root: string) {
    this.#files = host.files;
    this.#cpus = host.info().cpus;
    this.#root = root;
  }

  /** The tree, made as far as it is not there; or why this machine cannot have one. */
  static async open(options: CgroupTreeOptions): Promise<CgroupTree | string> {
    const { host, name } = options;
    const mount = (await host.mounts.list()).find(({ fsType }) => fsType === 'cgroup2');
    if (!mount) return 'no cgroup v2 is mounted';
    try {
      const controllers = await host.files.read(join(mount.target, 'cgroup.controllers'));
      const missing = CONTROLLERS.filter((one) => !controllers.trim().split(' ').includes(one));
      if (missing.length > 0)
        return `cgroup v2 at ${mount.target} has not the controllers ${missing.join(', ')}; version 1 may have them`;
      const tree = new CgroupTree(options, join(mount.target, name, 'kubepods'));
      await tree.#make(mount.target);
      return tree;
    } catch (error) {
      return `cgroup v2 at ${mount.target} cannot be used: ${errorMessage(error)}`;
    }
  }

  /** The directory that all pods of the node are in. */
  get root(): string {
    return this.#root;
  }

  podDirectory(podUid: string, qos: QosClass): string {
    return join(this.#root, CLASSES[qos], `pod${podUid}`);
  }

  containerDirectory(podUid: string, containerId: string, { qos }: ContainerCgroup): string {
    return join(this.podDirectory(podUid, qos), containerId);
  }

  /** Makes the group of a container that is to be started, and its pod's. */
  async create(podUid: string, containerId: string, wanted: ContainerCgroup): Promise<string> {
    const pod = this.podDirectory(podUid, wanted.qos);
    const container = join(pod, containerId);
    try {
      await this.#files.makeDirectory(pod);
      await this.#delegate(pod);
      // Before there are limits: a group takes memory of the one that it is made in.
      await this.#files.makeDirectory(container);
      await this.#set(pod, wanted.pod);
      await this.#set(container, wanted.container);
      await this.adopt(podUid, wanted);
    } catch (error) {
      // The pod's stays if another container is in it.
      for (const path of [container, pod]) await this.#files.removeDirectory(path).catch(() => undefined);
      throw error;
    }
    return container;
  }

  /** Knows of a pod whose group is there. */
  async adopt(podUid: string, wanted: ContainerCgroup): Promise<void> {
    if (this.#pods.get(podUid)?.podMilliCpu === wanted.podMilliCpu) return;
    this.#pods.set(podUid, wanted);
    await this.#weighBurstable();
  }

  /** Removes the group of a container of which nothing runs any more. */
  removeContainer(podUid: string, containerId: string, wanted: ContainerCgroup): Promise<void> {
    return this.#files.removeDirectory(this.containerDirectory(podUid, containerId, wanted));
  }

  /** Removes the group of a pod that has no containers any more. */
  async removePod(podUid: string, { qos }: ContainerCgroup): Promise<void> {
    await this.#files.removeDirectory(this.podDirectory(podUid, qos));
    if (this.#pods.delete(podUid)) await this.#weighBurstable();
  }

  /** The pods that have groups here, each with the groups of its containers. */
  async pods(): Promise<{ podUid: string; qos: QosClass; directories: string[] }[]> {
    const found: { podUid: string; qos: QosClass; directories: string[] }[] = [];
    for (const qos of Object.keys(CLASSES) as QosClass[]) {
      const parent = join(this.#root, CLASSES[qos]);
      for (const name of await this.#list(parent)) {
        if (!name.startsWith('pod')) continue;
        const pod = join(parent, name);
        const directories: string[] = [];
        for (const each of await this.#list(pod))
          if ((await this.#files.stat(join(pod, each)))?.kind === 'directory')
            directories.push(join(pod, each));
        found.push({ podUid: name.slice('pod'.length), qos, directories });
      }
    }
    return found;
  }

  /** Takes the tree away, unless a pod is in it. */
  async close(): Promise<void> {
    if ((await this.pods()).length > 0) return;
    for (const path of [...this.#classes(), this.#root, dirname(this.#root)])
      await this.#files.removeDirectory(path).catch(() => undefined);
  }

  /** Nothing, of a group that has gone. */
  #list(path: string): Promise<readonly string[]> {
    return this.#files.list(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ENODEV') return [];
      throw error;
    });
  }

  #classes(): string[] {
    return [join(this.#root, CLASSES.Burstable), join(this.#root, CLASSES.BestEffort)];
  }

  async #make(mountPoint: string): Promise<void> {
    await this.#delegate(mountPoint);
    for (const path of [dirname(this.#root), this.#root, ...this.#classes()]) {
      await this.#files.makeDirectory(path);
      await this.#delegate(path);
    }
    const capacity = milliCpuToShares(BigInt(this.#cpus) * 1000n);
    await this.#set(this.#root, { 'cpu.weight': String(podCpuWeight(capacity)) });
    await this.#set(join(this.#root, CLASSES.BestEffort), { 'cpu.weight': '1' });
    await this.#weighBurstable();
  }

  /** Lets a group's children have limits. */
  async #delegate(path: string): Promise<void> {
    const [there, set] = await Promise.all(
      ['cgroup.controllers', 'cgroup.subtree_control'].map(async (file) =>
        (await this.#files.read(join(path, file))).trim().split(' '),
      ),
    );
    const wanted = [...CONTROLLERS, ...MORE_CONTROLLERS].filter(
      (one) => there!.includes(one) && !set!.includes(one),
    );
    if (wanted.length === 0) return;
    const line = wanted.map((one) => `+${one}`).join(' ');
    await this.#files.append(join(path, 'cgroup.subtree_control'), line);
  }

  /** As much as all of its pods ask for together (setCPUCgroupConfig). */
  #weighBurstable(): Promise<void> {
    const asked = [...this.#pods.values()].filter(({ qos }) => qos === 'Burstable');
    const shares = milliCpuToShares(BigInt(asked.reduce((sum, { podMilliCpu }) => sum + podMilliCpu, 0)));
    const weight = String(podCpuWeight(shares));
    return this.#set(join(this.#root, CLASSES.Burstable), { 'cpu.weight': weight });
  }

  async #set(path: string, settings: CgroupSettings): Promise<void> {
    for (const [file, value] of Object.entries(settings)) {
      const at = join(path, file);
      // A kernel without swap accounting has no such file.
      if (file === 'memory.swap.max' && !(await this.#files.stat(at))) continue;
      await this.#files.append(at, value);
    }
  }
}
