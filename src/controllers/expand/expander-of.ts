import type { PersistentVolume, Stored } from '../../kube/index.ts';
import {
  type ControlPlugin,
  type Expander,
  type PluginRegistry,
  specFromPersistentVolume,
} from '../../volume/index.ts';

/** Grows nothing: the node does it all. */
const NODE_ONLY: Expander = {
  requiresFileSystemExpansion: true,
  expand: async (_spec, newSize) => newSize,
};

/**
 * Who grows the volume from here, and under which name; undefined when it is somebody outside. A FlexVolume whose driver
 * is not here is for its node to grow. Source: FindExpandablePluginBySpec.
 * @throws Error when plugins disagree.
 */
export function expanderOf(
  plugins: PluginRegistry<ControlPlugin>,
  volume: Stored<PersistentVolume>,
): { readonly name: string; readonly expander: Expander } | undefined {
  const spec = specFromPersistentVolume(volume, false);
  const found = plugins.all().filter((plugin) => plugin.canSupport(spec));
  // Throws in the registry's words when there is more than one.
  const plugin = found.length > 0 ? plugins.findBySpec(spec) : undefined;
  if (plugin) return plugin.expander && { name: plugin.name, expander: plugin.expander };
  const driver = volume.spec?.flexVolume?.driver;
  return driver === undefined ? undefined : { name: driver, expander: NODE_ONLY };
}
