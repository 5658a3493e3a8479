import { resolveSecret, type SecretReference } from './secret-templates.ts';
import { SNAPSHOT_PARAMETER_PREFIX } from './snapshots.ts';

/** What a snapshot class names a secret for, and how its messages call that. */
const TITLES = {
  snapshotter: 'Snapshotter',
  'snapshotter-list': 'SnapshotterList',
  'group-snapshotter': 'GroupSnapshotter',
  'group-snapshotter-get': 'GroupSnapshotterGet',
} as const;

export type SnapshotSecretPurpose = keyof typeof TITLES;

type Parameters = Readonly<Record<string, string>>;

interface Named {
  readonly name?: string;
  readonly namespace?: string;
}

/**
 * The secret that a class of snapshots names for a purpose; undefined when it names none. Whether it exists is not
 * looked at. `kind` is `volumesnapshot` or `volumegroupsnapshot`. Tokens are `${KINDcontent.name}`, `${KIND.namespace}`
 * and, in the name alone, `${KIND.name}`; the last two only where the snapshot is given.
 * @throws Error for half a reference, an unknown token, or a result that is no valid name.
 * Source: GetSecretReference and GetGroupSnapshotSecretReference of external-snapshotter.
 */
export function snapshotSecret(
  purpose: SnapshotSecretPurpose,
  parameters: Parameters | undefined,
  kind: 'volumesnapshot' | 'volumegroupsnapshot',
  contentName: string,
  snapshot: Named | undefined,
): SecretReference | undefined {
  const templates = templatesOf(purpose, parameters ?? {});
  if (!templates) return undefined;
  const namespace = new Map([[`${kind}content.name`, contentName]]);
  if (snapshot) namespace.set(`${kind}.namespace`, snapshot.namespace ?? '');
  const name = new Map(namespace);
  if (snapshot) name.set(`${kind}.name`, snapshot.name ?? '');
  return resolveSecret(templates, { name, namespace });
}

function templatesOf(purpose: SnapshotSecretPurpose, parameters: Parameters) {
  const [nameKey, namespaceKey] = keysOf(purpose);
  const name = parameters[nameKey];
  const namespace = parameters[namespaceKey];
  const failed = (why: string) => new Error(`failed to get name and namespace template from params: ${why}`);
  if ((name === undefined) !== (namespace === undefined))
    throw failed(
      `either name and namespace for ${TITLES[purpose]} secrets specified, Both must be specified`,
    );
  if (name === undefined || namespace === undefined) return undefined;
  if (name === '' || namespace === '') {
    throw failed(
      `${TITLES[purpose]} secrets specified in parameters but value of either namespace or name is empty`,
    );
  }
  return { name, namespace };
}

function keysOf(purpose: string): readonly [string, string] {
  const key = `${SNAPSHOT_PARAMETER_PREFIX}${purpose}-secret-`;
  return [`${key}name`, `${key}namespace`];
}

const SIDECAR_KEYS: ReadonlySet<string> = new Set(Object.keys(TITLES).flatMap(keysOf));

/**
 * The parameters of a class that are the driver's.
 * @throws Error for one with the prefix of the sidecars that they do not know. Source: RemovePrefixedParameters.
 */
export function snapshotDriverParameters(parameters: Parameters | undefined): Record<string, string> {
  const entries = Object.entries(parameters ?? {}).filter(([key]) => !SIDECAR_KEYS.has(key));
  const unknown = entries.find(([key]) => key.startsWith(SNAPSHOT_PARAMETER_PREFIX));
  if (unknown) {
    throw new Error(
      `found unknown parameter key "${unknown[0]}" with reserved namespace ${SNAPSHOT_PARAMETER_PREFIX}`,
    );
  }
  return Object.fromEntries(entries);
}
