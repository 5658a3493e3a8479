import type { Clock } from '../../base/index.ts';
import type { Client } from '../../client/index.ts';
import type { Volume } from '../../kube/index.ts';
import type { Payload } from '../atomic-writer/atomic-writer.ts';
import { setUpProjectedVolume, tearDownProjectedVolume } from '../atomic-writer/projected-volume.ts';
import { directoryStats } from '../disk-usage.ts';
import { podVolumeDirectory } from '../paths.ts';
import { DEFAULT_MODE, ImmutableObjects, type PayloadRequest, type ReadObject } from '../payloads/index.ts';
import type { VolumePlugin, VolumeSpec } from '../plugin.ts';
import { specFromVolume } from '../spec.ts';
import type { NodePluginOptions } from './empty-dir/index.ts';

/** What every plugin needs whose files come from the API. */
export interface ApiPluginOptions extends NodePluginOptions {
  readonly client: Client;
  readonly clock: Clock;
  /** Kept for all plugins of a node. @default its own */
  readonly immutable?: ImmutableObjects;
}

/** One type of volume whose files come from the API. `Source` is its part of the pod's spec. */
export interface PayloadKind<Source extends { readonly defaultMode?: number }> {
  /** kubernetes.io/configmap, … */
  readonly plugin: string;
  /** The type as errors name it. */
  readonly title: string;
  /** '' is the node's disk. */
  readonly medium: '' | 'Memory';
  source(volume: Volume): Source | undefined;
  volumeName(spec: VolumeSpec): string;
  /** What a volume of this name was like, as far as a directory tells. */
  reconstructed(name: string): { readonly volume: Volume; readonly volumeName: string };
  payload(source: Source, request: PayloadRequest): Promise<Payload>;
  /** The pod has gone from here. */
  forget?(podUid: string): void;
}

/** A plugin that shows what the API has as files and keeps them up to date. */
export function createPayloadPlugin<Source extends { readonly defaultMode?: number }>(
  options: ApiPluginOptions,
  kind: PayloadKind<Source>,
): VolumePlugin {
  const { client, nodeRoot, immutable = new ImmutableObjects() } = options;
  const podPath = (name: string, podUid: string) => podVolumeDirectory(nodeRoot, podUid, kind.plugin, name);
  const sourceOf = ({ volume }: VolumeSpec) => volume && kind.source(volume);
  return {
    name: kind.plugin,
    canSupport: (spec) => sourceOf(spec) !== undefined,
    volumeName: kind.volumeName,
    requiresRemount: () => true,
    stats: ({ path }) => directoryStats(options.host.files, path),
    mounter: {
      podPath: (spec, podUid) => podPath(spec.name, podUid),
      async setUp(spec, context) {
        const source = sourceOf(spec);
        if (!source) throw new Error(`spec does not reference a ${kind.title} volume type`);
        const { pod, fsGroup, signal } = context;
        const defaultMode = source.defaultMode ?? DEFAULT_MODE;
        const { uid, namespace } = pod.metadata;
        const path = podPath(spec.name, uid);
        const read: ReadObject = (resource, name) =>
          immutable.get(`${resource.plural}/${namespace}/${name}`, path, () =>
            client.get(resource, { namespace, name }, { signal }),
          );
        try {
          const payload = await kind.payload(source, { read, pod, defaultMode, fsGroup, signal });
          const volume = { path, name: spec.name, medium: kind.medium };
          await setUpProjectedVolume(options, volume, payload, context);
        } catch (error) {
          // It shows nothing yet, and may never: nobody would tear it down.
          if (!context.isRemount) immutable.forget(path);
          throw error;
        }
      },
      async tearDown(name, podUid) {
        const path = podPath(name, podUid);
        await tearDownProjectedVolume(options, path, name, podUid);
        immutable.forget(path);
        kind.forget?.(podUid);
      },
      async reconstruct(name) {
        const { volume, volumeName } = kind.reconstructed(name);
        return { spec: specFromVolume(volume), volumeName };
      },
    },
  };
}
