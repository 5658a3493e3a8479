import type { Logger, Random } from '../../../base/index.ts';
import type { Volume } from '../../../kube/index.ts';
import type { FileProjection, Payload } from '../../atomic-writer/atomic-writer.ts';
import {
  allSettled,
  configMapPayload,
  downwardPayload,
  type PayloadRequest,
  secretPayload,
  TokenCache,
} from '../../payloads/index.ts';
import type { VolumePlugin } from '../../plugin.ts';
import type { DownwardPluginOptions } from '../downward-api/index.ts';
import { createPayloadPlugin } from '../payload-plugin.ts';
import { fsUserOf } from './fs-user.ts';

export interface ProjectedPluginOptions extends DownwardPluginOptions {
  readonly random: Random;
  readonly log?: Logger;
}

type Projected = NonNullable<Volume['projected']>;
type Projection = NonNullable<Projected['sources']>[number];

/** core/v1: how long a token is to live when the pod does not say. */
const DEFAULT_TOKEN_SECONDS = 60 * 60;
/** For its user, or, as the group's rights are added to it, for the pod's group. */
const PRIVATE_MODE = 0o600;

/** Several sources in one directory, a token of the pod's service account among them (pkg/volume/projected). */
export function createProjectedPlugin(options: ProjectedPluginOptions): VolumePlugin {
  const tokens = new TokenCache(options);
  return createPayloadPlugin(options, {
    plugin: 'kubernetes.io/projected',
    title: 'projected',
    medium: 'Memory',
    source: ({ projected }) => projected,
    volumeName: ({ name }) => name,
    reconstructed: (name) => ({ volume: { name, projected: {} }, volumeName: name }),
    async payload({ sources = [] }: Projected, request) {
      const parts = await allSettled(sources.map((source) => partOf(source, request)));
      // Of two sources with one path the later wins.
      return new Map(parts.flatMap((part) => [...part]));
    },
    forget: (podUid) => tokens.forget(podUid),
  });

  async function partOf(source: Projection, request: PayloadRequest): Promise<Payload> {
    if (source.secret) return secretPayload(source.secret, request);
    if (source.configMap) return configMapPayload(source.configMap, request);
    if (source.downwardAPI)
      return downwardPayload(source.downwardAPI.items ?? [], request, options.allocatable);
    if (source.serviceAccountToken) return tokenPayload(source.serviceAccountToken, request);
    const [kind = 'an empty'] = Object.keys(source);
    throw new Error(
      `${kind} projections are not supported by this node; use secret, configMap, downwardAPI or serviceAccountToken`,
    );
  }

  async function tokenPayload(
    source: NonNullable<Projection['serviceAccountToken']>,
    { pod, fsGroup, defaultMode, signal }: PayloadRequest,
  ): Promise<Payload> {
    const { audience = '', expirationSeconds = DEFAULT_TOKEN_SECONDS, path } = source;
    const { token } = await tokens.get({ pod, audience, expirationSeconds }, signal);
    const uid = fsUserOf(pod);
    const mode = uid !== undefined || fsGroup !== undefined ? PRIVATE_MODE : defaultMode;
    const file: FileProjection = { data: Buffer.from(token), mode, ...(uid !== undefined && { uid }) };
    return new Map([[path, file]]);
  }
}
