import type { Findable, PluginRegistry, VolumeSpec } from './plugin.ts';

/**
 * The plugins of a process.
 * @throws Error if two plugins have one name.
 */
export function createPluginRegistry<P extends Findable>(plugins: readonly P[]): PluginRegistry<P> {
  const byName = new Map<string, P>();
  for (const plugin of plugins) {
    if (byName.has(plugin.name))
      throw new Error(`volume plugin ${JSON.stringify(plugin.name)} was registered more than once`);
    byName.set(plugin.name, plugin);
  }
  return {
    findByName: (name) => byName.get(name),
    all: () => [...byName.values()],
    findBySpec(spec: VolumeSpec): P {
      const matches = plugins.filter((plugin) => plugin.canSupport(spec));
      if (matches.length > 1) {
        const names = matches.map((plugin) => plugin.name).join(',');
        throw new Error(`multiple volume plugins matched: ${names}`);
      }
      if (matches.length === 0) throw new Error('no volume plugin matched');
      return matches[0]!;
    },
  };
}
