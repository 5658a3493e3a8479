import { type Allocatable, downwardPayload } from '../../payloads/index.ts';
import type { VolumePlugin } from '../../plugin.ts';
import { type ApiPluginOptions, createPayloadPlugin } from '../payload-plugin.ts';

export interface DownwardPluginOptions extends ApiPluginOptions {
  readonly allocatable: Allocatable;
}

/** Fields of the pod as files. */
export function createDownwardApiPlugin(options: DownwardPluginOptions): VolumePlugin {
  return createPayloadPlugin(options, {
    plugin: 'kubernetes.io/downward-api',
    title: 'downwardAPI',
    medium: 'Memory',
    source: ({ downwardAPI }) => downwardAPI,
    volumeName: ({ name }) => name,
    reconstructed: (name) => ({ volume: { name, downwardAPI: {} }, volumeName: name }),
    payload: async ({ items = [] }, request) => downwardPayload(items, request, options.allocatable),
  });
}
