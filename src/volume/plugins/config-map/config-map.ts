import { type ConfigMapSource, configMapPayload } from '../../payloads/index.ts';
import type { VolumePlugin } from '../../plugin.ts';
import { type ApiPluginOptions, createPayloadPlugin } from '../payload-plugin.ts';

/** The keys of a ConfigMap as files. */
export function createConfigMapPlugin(options: ApiPluginOptions): VolumePlugin {
  return createPayloadPlugin<ConfigMapSource>(options, {
    plugin: 'kubernetes.io/configmap',
    title: 'ConfigMap',
    medium: '',
    source: ({ configMap }) => configMap,
    volumeName: ({ name, volume }) => `${name}/${volume?.configMap?.name ?? ''}`,
    reconstructed: (name) => ({ volume: { name, configMap: {} }, volumeName: name }),
    payload: configMapPayload,
  });
}
