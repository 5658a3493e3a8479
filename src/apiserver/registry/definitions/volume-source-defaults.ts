import { change, fill } from './defaulting.ts';

/** The fields of a source that are not required have these values. Source: Kubernetes 1.36, pkg/apis/core/v1. */
const DEFAULTS: Readonly<Record<string, object>> = {
  azureDisk: { cachingMode: 'ReadWrite', fsType: 'ext4', readOnly: false, kind: 'Shared' },
  iscsi: { iscsiInterface: 'default' },
  rbd: { pool: 'rbd', user: 'admin', keyring: '/etc/ceph/keyring' },
  scaleIO: { storageMode: 'ThinProvisioned', fsType: 'xfs' },
};

/** A volume, or the spec of one, with the defaults of its source. */
export function withSourceDefaults<T extends object>(object: T): T {
  // A host path's type is '' when it is not given, and '' means that nothing is checked.
  let result = change(object as Readonly<Record<string, { type?: string }>>, 'hostPath', (source) =>
    source.type === undefined ? { ...source, type: '' } : source,
  ) as Readonly<Record<string, object>>;
  for (const field of Object.keys(DEFAULTS)) {
    result = change(result, field, (source) => fill(source, DEFAULTS[field]!));
  }
  return result as T;
}
