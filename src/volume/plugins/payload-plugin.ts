import type { Clock } from '../../base/index.ts';
import type { Client } from '../../client/index.ts';
import type { Volume } from '../../kube/index.ts';
import type { Payload } from '../atomic-writer/atomic-writer.ts';
import { setUpProjectedVolume, tearDownProjectedVolume } from '../atomic-writer/projected-volume.ts';
import { directoryStats } from '../disk-usage.ts';
import { podVolumeDirectory } from '../paths.ts';
import { DEFAULT_MODE, type PayloadRequest } from '../payloads/index.ts';
import type { VolumePlugin, VolumeSpec } from '../plugin.ts';
import { specFromVolume } from '../spec.ts';
import type { NodePluginOptions } from './empty-dir/index.ts';

/** What every plugin needs whose files come from the API. */
export interface ApiPluginOptions extends NodePluginOptions {
  readonly client: Client;
  readonly clock: Clock;
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
  const { client, nodeRoot } = options;
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
        const payload = await kind.payload(source, { client, pod, defaultMode, fsGroup, signal });
        const path = podPath(spec.name, pod.metadata.uid);
        await setUpProjectedVolume(options, { path, name: spec.name, medium: kind.medium }, payload, context);
      },
      async tearDown(name, podUid) {
        await tearDownProjectedVolume(options, podPath(name, podUid), name, podUid);
        kind.forget?.(podUid);
      },
      async reconstruct(name) {
        const { volume, volumeName } = kind.reconstructed(name);
        return { spec: specFromVolume(volume), volumeName };
      },
    },
  };
}
