import { errorMessage, type Logger } from '../../base/index.ts';
import type {
  BlockMapper,
  DeviceMounter,
  PluginRegistry,
  UniqueVolumeName,
  VolumePlugin,
} from '../../volume/index.ts';
import type { ActualStateOfWorld } from './actual-state-of-world.ts';
import type { DesiredStateOfWorld } from './desired-state-of-world.ts';
import type { Operations } from './operations.ts';
import type { FoundVolume } from './reconstruct.ts';

export interface LeftoversOptions {
  readonly desired: DesiredStateOfWorld;
  readonly actual: ActualStateOfWorld;
  readonly operations: Pick<Operations, 'cleanUp'>;
  readonly plugins: PluginRegistry;
  /** Whether it is known what the pod wishes for. */
  isSettled(podUid: string): boolean;
  /** Takes what a plugin has mounted once a node into the actual state, from where it is undone. */
  adopt(plugin: VolumePlugin): Promise<void>;
  readonly log: Logger;
}

/** What an earlier life has left that belongs to nobody's account: it is undone when it is known that nobody wants it. */
export class Leftovers {
  readonly #options: LeftoversOptions;
  #unreconstructed = new Set<FoundVolume>();
  /** Whose leavings of before the start may not all be gone yet. */
  #abandoned = new Set<DeviceMounter | BlockMapper>();
  /** Plugins whose devices of before the start are known, or are being looked for. */
  #adopted = new Set<VolumePlugin>();
  #held: readonly UniqueVolumeName[] = [];

  constructor(options: LeftoversOptions) {
    this.#options = options;
  }

  found(unreconstructed: readonly FoundVolume[], plugins: readonly VolumePlugin[]): void {
    this.#unreconstructed = new Set(unreconstructed);
    this.#adopted = new Set(plugins);
    const parts = plugins.flatMap(({ deviceMounter, blockMapper }) => [deviceMounter, blockMapper]);
    this.#abandoned = new Set(parts.filter((part) => part !== undefined));
  }

  /** What the node had in use before the start, of plugins that may come yet: nobody may take it from under a mount. */
  get held(): readonly UniqueVolumeName[] {
    return this.#held;
  }

  hold(inUse: readonly UniqueVolumeName[]): void {
    this.#held = inUse.filter((name) => ![...this.#adopted].some((plugin) => isOf(plugin, name)));
  }

  /**
   * Volume directories that could not be understood, and what was mounted once a node for them. Those of a plugin that
   * comes late wait for it: upstream's stay.
   */
  clean(signal: AbortSignal): void {
    const { desired, actual, operations, plugins, isSettled } = this.#options;
    for (const found of this.#unreconstructed) {
      const { pluginName, specName, podUid, mode } = found;
      const plugin = plugins.findByName(pluginName);
      if (!plugin || (mode === 'Block' && !plugin.blockMapper) || !isSettled(podUid)) continue;
      if (actual.hasSpecName(podUid, specName)) this.#unreconstructed.delete(found);
      else if (!desired.hasSpecName(podUid, specName))
        operations.cleanUp(found, plugin, signal, () => this.#unreconstructed.delete(found));
    }
    for (const plugin of plugins.all()) if (!this.#adopted.has(plugin)) void this.#adopt(plugin);
  }

  /** Devices go after the directories of the pods that had them. */
  async #adopt(plugin: VolumePlugin): Promise<void> {
    for (const { pluginName } of this.#unreconstructed) if (pluginName === plugin.name) return;
    this.#adopted.add(plugin);
    try {
      await this.#options.adopt(plugin);
      this.#held = this.#held.filter((name) => !isOf(plugin, name));
    } catch (error) {
      this.#adopted.delete(plugin);
      const { log } = this.#options;
      log.warn('what a plugin has mounted before the start could not be looked for; it is tried again', {
        plugin: plugin.name,
        error: errorMessage(error),
      });
    }
  }

  /** What a mount of which nobody knows any more has begun. */
  async clearAbandoned(): Promise<void> {
    for (const mounter of this.#abandoned) {
      try {
        await mounter.clearAbandoned?.();
        this.#abandoned.delete(mounter);
      } catch (error) {
        this.#options.log.warn('what a crash has left could not all be removed; it is tried again', {
          error: errorMessage(error),
        });
      }
    }
  }
}

function isOf({ name }: VolumePlugin, volume: UniqueVolumeName): boolean {
  return volume.startsWith(`${name}/`);
}
