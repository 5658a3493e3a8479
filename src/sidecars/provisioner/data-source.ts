import {
  type KubeObject,
  type PersistentVolumeClaim,
  persistentVolumeClaims,
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

/** gateway.networking.k8s.io/v1beta1: who may refer into a namespace from another. */
export interface ReferenceGrant extends KubeObject {
  readonly spec: {
    readonly from: readonly { readonly group: string; readonly kind: string; readonly namespace: string }[];
    readonly to: readonly { readonly group: string; readonly kind: string; readonly name?: string }[];
  };
}

/** Whether one of the grants of the source's namespace lets the claim have it. Source: IsGranted. */
export function isGranted(
  claim: PersistentVolumeClaim,
  source: DataSource,
  grants: readonly ReferenceGrant[],
): boolean {
  const group = source.kind === volumeSnapshots.kind ? volumeSnapshots.group : '';
  return grants.some(
    ({ metadata, spec }) =>
      metadata?.namespace === source.namespace &&
      spec.from.some(
        (from) =>
          from.group === '' &&
          from.kind === persistentVolumeClaims.kind &&
          from.namespace === claim.metadata?.namespace,
      ) &&
      spec.to.some(
        (to) => to.group === group && to.kind === source.kind && (!to.name || to.name === source.name),
      ),
  );
}
