import type { Clock } from '../../../base/index.ts';
import type { Client } from '../../../client/index.ts';
import { type ConfigMap, configMaps, isNotFound } from '../../../kube/index.ts';
import { makePayload } from '../../atomic-writer/payload.ts';
import { setUpProjectedVolume, tearDownProjectedVolume } from '../../atomic-writer/projected-volume.ts';
import { podVolumeDirectory } from '../../paths.ts';
import type { VolumePlugin } from '../../plugin.ts';
import { specFromVolume } from '../../spec.ts';
import type { NodePluginOptions } from '../empty-dir/index.ts';

const CONFIG_MAP_PLUGIN = 'kubernetes.io/configmap';

export interface ApiPluginOptions extends NodePluginOptions {
  readonly client: Client;
  readonly clock: Clock;
}

/** The keys of a ConfigMap as files, kept up to date. */
export function createConfigMapPlugin(options: ApiPluginOptions): VolumePlugin {
  const { client, nodeRoot } = options;
  const podPath = (name: string, podUid: string) =>
    podVolumeDirectory(nodeRoot, podUid, CONFIG_MAP_PLUGIN, name);
  return {
    name: CONFIG_MAP_PLUGIN,
    canSupport: (spec) => spec.volume?.configMap !== undefined,
    volumeName: (spec) => `${spec.name}/${spec.volume?.configMap?.name ?? ''}`,
    requiresRemount: () => true,
    mounter: {
      podPath: (spec, podUid) => podPath(spec.name, podUid),
      async setUp(spec, context) {
        const source = spec.volume?.configMap;
        if (!source) throw new Error('spec does not reference a ConfigMap volume type');
        const { namespace, uid } = context.pod.metadata;
        const found = await client
          .get(configMaps, { namespace, name: source.name ?? '' }, { signal: context.signal })
          .catch((error: unknown) => {
            if (source.optional && isNotFound(error)) return undefined;
            throw error;
          });
        const payload = makePayload(
          contentOf(found),
          source,
          (key) => `configmap references non-existent config key: ${key}`,
        );
        const volume = { path: podPath(spec.name, uid), name: spec.name, medium: '' };
        await setUpProjectedVolume(options, volume, payload, context);
      },
      tearDown: (name, podUid) => tearDownProjectedVolume(options, podPath(name, podUid), name, podUid),
      async reconstruct(name) {
        return { spec: specFromVolume({ name, configMap: {} }), volumeName: name };
      },
    },
  };
}

function contentOf(configMap: ConfigMap | undefined): Map<string, Uint8Array> {
  const content = new Map<string, Uint8Array>();
  for (const [key, text] of Object.entries(configMap?.data ?? {}))
    content.set(key, Buffer.from(text, 'utf8'));
  for (const [key, base64] of Object.entries(configMap?.binaryData ?? {}))
    content.set(key, Buffer.from(base64, 'base64'));
  return content;
}
