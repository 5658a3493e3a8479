import type { Findable, PluginProber, PluginRegistry, VolumeSpec } from './plugin.ts';

/**
 * The plugins of a process: those that are always there, and those that a prober finds.
 * @throws Error if two plugins have one name.
 */
export function createPluginRegistry<P extends Findable>(
  plugins: readonly P[],
  prober: PluginProber<P> = NOTHING_PROBED,
): PluginRegistry<P> {
  const names = new Set<string>();
  for (const { name } of plugins) {
    if (names.has(name))
      throw new Error(`volume plugin ${JSON.stringify(name)} was registered more than once`);
    names.add(name);
  }
  const all = () => [...plugins, ...prober.all()];
  return {
    all,
    probed: prober.probed,
    onChange: (callback) => prober.onChange(callback),
    findByName(name) {
      const matches = all().filter((plugin) => plugin.name === name);
      if (matches.length > 1) throw new Error(`multiple volume plugins matched: ${name} and ${name}`);
      return matches[0];
    },
    findBySpec(spec: VolumeSpec): P {
      const matches = all().filter((plugin) => plugin.canSupport(spec));
      if (matches.length > 1) {
        const found = matches.map((plugin) => plugin.name).join(',');
        throw new Error(`multiple volume plugins matched: ${found}`);
      }
      if (matches.length === 0) throw new Error('no volume plugin matched');
      return matches[0]!;
    },
  };
}

const NOTHING_PROBED: PluginProber<never> = {
  all: () => [],
  probed: Promise.resolve(),
  onChange: () => () => undefined,
};
