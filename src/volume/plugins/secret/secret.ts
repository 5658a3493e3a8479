import { secretPayload } from '../../payloads/index.ts';
import type { VolumePlugin } from '../../plugin.ts';
import { type ApiPluginOptions, createPayloadPlugin } from '../payload-plugin.ts';

/** The keys of a Secret as files, in memory so that they never reach the node's disk. */
export function createSecretPlugin(options: ApiPluginOptions): VolumePlugin {
  return createPayloadPlugin(options, {
    plugin: 'kubernetes.io/secret',
    title: 'Secret',
    medium: 'Memory',
    source: ({ secret }) => secret,
    volumeName: ({ name, volume }) => volume?.secret?.secretName ?? name,
    reconstructed: (name) => ({ volume: { name, secret: { secretName: name } }, volumeName: name }),
    payload: (source, request) => secretPayload({ ...source, name: source.secretName }, request),
  });
}
