import { isNotFound, type Secret, secrets } from '../../../kube/index.ts';
import { makePayload } from '../../atomic-writer/payload.ts';
import { setUpProjectedVolume, tearDownProjectedVolume } from '../../atomic-writer/projected-volume.ts';
import { podVolumeDirectory } from '../../paths.ts';
import type { VolumePlugin } from '../../plugin.ts';
import { specFromVolume } from '../../spec.ts';
import type { ApiPluginOptions } from '../config-map/index.ts';

const SECRET_PLUGIN = 'kubernetes.io/secret';

/** The keys of a Secret as files, kept up to date, in memory so that they never reach the node's disk. */
export function createSecretPlugin(options: ApiPluginOptions): VolumePlugin {
  const { client, nodeRoot } = options;
  const podPath = (name: string, podUid: string) => podVolumeDirectory(nodeRoot, podUid, SECRET_PLUGIN, name);
  return {
    name: SECRET_PLUGIN,
    canSupport: (spec) => spec.volume?.secret !== undefined,
    volumeName: (spec) => spec.volume?.secret?.secretName ?? spec.name,
    requiresRemount: () => true,
    mounter: {
      podPath: (spec, podUid) => podPath(spec.name, podUid),
      async setUp(spec, context) {
        const source = spec.volume?.secret;
        if (!source) throw new Error('spec does not reference a Secret volume type');
        const { namespace, uid } = context.pod.metadata;
        const found = await client
          .get(secrets, { namespace, name: source.secretName ?? '' }, { signal: context.signal })
          .catch((error: unknown) => {
            if (source.optional && isNotFound(error)) return undefined;
            throw error;
          });
        const payload = makePayload(
          contentOf(found),
          source,
          (key) => `references non-existent secret key: ${key}`,
        );
        const volume = { path: podPath(spec.name, uid), name: spec.name, medium: 'Memory' };
        await setUpProjectedVolume(options, volume, payload, context);
      },
      tearDown: (name, podUid) => tearDownProjectedVolume(options, podPath(name, podUid), name, podUid),
      async reconstruct(name) {
        return { spec: specFromVolume({ name, secret: { secretName: name } }), volumeName: name };
      },
    },
  };
}

function contentOf(secret: Secret | undefined): Map<string, Uint8Array> {
  return new Map(
    Object.entries(secret?.data ?? {}).map(([key, base64]) => [key, Buffer.from(base64, 'base64')]),
  );
}
