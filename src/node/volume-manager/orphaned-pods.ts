import { join } from 'node:path';
import { errorMessage, type Logger } from '../../base/index.ts';
import type { Host } from '../../host/index.ts';
import { podDirectory, podsDirectory, podVolumesDirectory } from '../../volume/index.ts';
import { hasMountsBelow } from '../../volume/mount/index.ts';

export interface OrphanedPodsOptions {
  readonly host: Host;
  readonly nodeRoot: string;
  readonly log: Logger;
  /** Whether nobody knows the pod, nor is anything mounted for it. */
  isOrphan(podUid: string): boolean;
  /** There is something to clean again. */
  wake(): void;
  /** All were looked at: so many were orphans, and of so many something had to stay. */
  swept(orphans: number, failed: number): void;
}

/** Removes the directories that pods leave behind, each by one removal at a time. */
export class OrphanedPods {
  readonly #options: OrphanedPodsOptions;
  /** Removals under way: a pod that ends and the cleaning of orphans must not meet in one. */
  readonly #removals = new Map<string, Promise<void>>();
  /** Pods of which something had to stay. */
  readonly #staying = new Set<string>();
  #cleaning: Promise<void> | undefined;
  #dirty = true;

  constructor(options: OrphanedPodsOptions) {
    this.#options = options;
  }

  /** There may be orphans since the last cleaning. */
  markDirty(): void {
    this.#dirty = true;
  }

  clean(signal: AbortSignal): void {
    if (this.#cleaning || !this.#dirty) return;
    this.#dirty = false;
    this.#cleaning = this.#removeAll(signal)
      .catch((error: unknown) => {
        this.#options.log.warn('orphaned pod directories could not be cleaned', {
          error: errorMessage(error),
        });
      })
      .finally(() => {
        this.#cleaning = undefined;
        if (this.#dirty) this.#options.wake();
      });
  }

  /** Never rejects: what must stay is logged. */
  remove(podUid: string): Promise<void> {
    const { host, nodeRoot, log } = this.#options;
    let removal = this.#removals.get(podUid);
    if (!removal) {
      removal = removeOrphanedPod(host, nodeRoot, podUid)
        .then((why) => {
          if (!why) this.#staying.delete(podUid);
          else {
            this.#staying.add(podUid);
            log.warn(why);
          }
        })
        .catch((error: unknown) => {
          this.#staying.add(podUid);
          log.warn('the directory of a pod could not be removed', {
            pod: podUid,
            error: errorMessage(error),
          });
        })
        .finally(() => this.#removals.delete(podUid));
      this.#removals.set(podUid, removal);
    }
    return removal;
  }

  async stopped(): Promise<void> {
    await this.#cleaning;
    await Promise.all(this.#removals.values());
  }

  async #removeAll(signal: AbortSignal): Promise<void> {
    const { host, nodeRoot, isOrphan, swept } = this.#options;
    let orphans = 0;
    let failed = 0;
    for (const uid of await podsOnDisk(host, nodeRoot)) {
      if (signal.aborted || !isOrphan(uid)) continue;
      orphans++;
      await this.remove(uid);
      if (this.#staying.has(uid)) failed++;
    }
    swept(orphans, failed);
  }
}

/** The pods that have a directory on this node. */
async function podsOnDisk(host: Pick<Host, 'files'>, nodeRoot: string): Promise<readonly string[]> {
  const path = podsDirectory(nodeRoot);
  return (await host.files.stat(path)) ? await host.files.list(path) : [];
}

/**
 * Removes the directory of a pod that has gone. Nothing is removed while anything is mounted below it, and a volume's
 * directory only if it is empty: what is left in it may be data of a volume that was not unmounted.
 * Returns why it stayed; `undefined` when it has gone. Source: cleanupOrphanedPodDirs of the kubelet.
 */
export async function removeOrphanedPod(
  host: Host,
  nodeRoot: string,
  podUid: string,
): Promise<string | undefined> {
  const directory = podDirectory(nodeRoot, podUid);
  const { files } = host;
  if (!(await files.stat(directory))) return undefined;
  if (await hasMountsBelow(host, directory)) {
    return `orphaned pod ${JSON.stringify(podUid)} found, but volumes are not cleaned up`;
  }
  const volumes = podVolumesDirectory(nodeRoot, podUid);
  if (await files.stat(volumes)) {
    for (const plugin of await files.list(volumes)) {
      for (const name of await files.list(join(volumes, plugin))) {
        const path = join(volumes, plugin, name);
        const stat = await files.stat(path);
        if (stat?.kind !== 'directory' || (await files.list(path)).length > 0) {
          return `orphaned pod ${JSON.stringify(podUid)} found, but its volume directory ${path} is not empty`;
        }
        await files.removeDirectory(path);
      }
      await files.removeDirectory(join(volumes, plugin));
    }
    await files.removeDirectory(volumes);
  }
  for (const name of await files.list(directory)) {
    const path = join(directory, name);
    if ((await files.stat(path))?.kind === 'directory') await files.removeTree(path);
    else await files.removeFile(path);
  }
  await files.removeDirectory(directory);
  return undefined;
}
