import {
  isGranted as isGrantedTo,
  type PersistentVolumeClaim,
  persistentVolumeClaims,
  type ReferenceGrant,
  type Stored,
  volumeSnapshots,
} from '../../kube/index.ts';
import { IgnoredClaim, ProvisionError } from './provision-error.ts';

/** What the event on a claim says whose volume somebody else fills and so makes. */
export const POPULATOR_MESSAGE = 'Assuming an external populator will provision the volume';

/** What the volume is to hold: a snapshot, or what another claim's volume holds. */
export interface DataSource {
  readonly kind: 'VolumeSnapshot' | 'PersistentVolumeClaim';
  readonly namespace: string;
  readonly name: string;
}

/**
 * Where the claim's volume gets its content from; undefined for an empty one.
 * @throws IgnoredClaim when a populator makes the volume; ProvisionError.
 * Source: dataSource and prepareProvision of external-provisioner.
 */
export function dataSourceOf(
  { metadata, spec }: Stored<PersistentVolumeClaim>,
  { crossNamespace }: { readonly crossNamespace: boolean },
): DataSource | undefined {
  if (!spec?.dataSource && spec?.dataSourceRef?.namespace && !crossNamespace) {
    throw new ProvisionError(
      'finished',
      'dataSourceRef namespace specified but the CrossNamespaceVolumeDataSource feature is disabled',
    );
  }
  const source = spec?.dataSource ?? spec?.dataSourceRef;
  if (!source) return undefined;
  const { kind, name, apiGroup = '' } = source;
  if (name === '') throw new ProvisionError('finished', `the PVC source not found for PVC ${metadata.name}`);
  const own = metadata.namespace ?? '';
  const namespace = spec?.dataSource ? own : spec?.dataSourceRef?.namespace || own;
  if (kind === volumeSnapshots.kind) {
    const { group } = volumeSnapshots;
    if (apiGroup !== group) {
      throw new ProvisionError(
        'finished',
        `the PVC source does not belong to the right APIGroup. Expected ${group}, Got ${apiGroup}`,
      );
    }
    return { kind: 'VolumeSnapshot', namespace, name };
  }
  if (kind === persistentVolumeClaims.kind) return { kind: 'PersistentVolumeClaim', namespace, name };
  throw new IgnoredClaim(
    `data source (${kind}) is not handled by the provisioner, assuming an external populator will provision it`,
  );
}

/** Whether one of the grants of the source's namespace lets the claim have it. */
export function isGranted(
  claim: PersistentVolumeClaim,
  source: DataSource,
  grants: readonly ReferenceGrant[],
): boolean {
  const group = source.kind === volumeSnapshots.kind ? volumeSnapshots.group : '';
  return isGrantedTo(claim, { ...source, group }, grants);
}
