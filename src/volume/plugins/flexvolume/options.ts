import { errorMessage } from '../../../base/index.ts';
import type { Client } from '../../../client/index.ts';
import { type Pod, type Stored, secrets } from '../../../kube/index.ts';
import type { VolumeSpec } from '../../plugin.ts';
import { flexSource } from './source.ts';

type Options = Readonly<Record<string, string>>;

/**
 * What a driver is told of a volume, as the JSON that Go would make of it: keys sorted. The volume's own options win
 * over `extra`. Source: NewOptionsForDriver, pkg/volume/flexvolume.
 */
export function driverOptions(spec: VolumeSpec, extra: Options = {}): string {
  const { fsType, readOnly, options } = flexSource(spec);
  const all: Record<string, string> = {
    'kubernetes.io/fsType': fsType,
    'kubernetes.io/readwrite': readOnly ? 'ro' : 'rw',
    'kubernetes.io/pvOrVolumeName': spec.name,
    ...extra,
    ...options,
  };
  const sorted = Object.entries(all).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify(Object.fromEntries(sorted)).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** What `mount` is told beside: whose volume it is. */
export function podOptions(pod: Stored<Pod>, fsGroup: number | undefined): Options {
  return {
    'kubernetes.io/pod.name': pod.metadata.name,
    'kubernetes.io/pod.namespace': pod.metadata.namespace ?? '',
    'kubernetes.io/pod.uid': pod.metadata.uid,
    'kubernetes.io/serviceAccount.name': pod.spec?.serviceAccountName ?? '',
    ...(fsGroup !== undefined && { 'kubernetes.io/mounterArgs.FsGroup': String(fsGroup) }),
  };
}

/** The entries of the volume's secret, base64. Its type must be the driver's name. */
export async function secretOptions(
  client: Client,
  spec: VolumeSpec,
  podNamespace: string,
  signal: AbortSignal,
): Promise<Options> {
  const { driver, secret } = flexSource(spec);
  const namespace = secret?.namespace ?? podNamespace;
  if (!secret || namespace === '') return {};
  const failed = (why: string, cause?: unknown) =>
    new Error(`couldn't get secret ${namespace}/${secret.name} err: ${why}`, { cause });
  const found = await client
    .get(secrets, { namespace, name: secret.name }, { signal })
    .catch((error: unknown) => {
      throw failed(errorMessage(error), error);
    });
  if (found.type !== driver) throw failed(`cannot get secret of type ${driver}`);
  return Object.fromEntries(
    Object.entries(found.data ?? {}).map(([key, value]) => [`kubernetes.io/secret/${key}`, value]),
  );
}
