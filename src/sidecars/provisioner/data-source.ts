import type { PersistentVolumeClaim } from '../../kube/index.ts';
import { IgnoredClaim, ProvisionError } from './provision-error.ts';

/** What the event on a claim says whose volume somebody else fills and so makes. */
export const POPULATOR_MESSAGE = 'Assuming an external populator will provision the volume';

/**
 * Checks that the volume is to be empty.
 * @throws IgnoredClaim when a populator makes the volume; ProvisionError for a snapshot or a volume to copy.
 */
export function checkDataSource({ spec }: PersistentVolumeClaim): void {
  if (!spec?.dataSource && spec?.dataSourceRef?.namespace) {
    throw new ProvisionError(
      'finished',
      'dataSourceRef namespace specified but the CrossNamespaceVolumeDataSource feature is disabled',
    );
  }
  const source = spec?.dataSource ?? spec?.dataSourceRef;
  if (!source) return;
  if (source.kind === 'VolumeSnapshot' || source.kind === 'PersistentVolumeClaim') {
    throw new ProvisionError(
      'finished',
      `a volume cannot be made from ${source.kind} ${JSON.stringify(source.name)}: ` +
        'this provisioner makes empty volumes only; leave out dataSource',
    );
  }
  throw new IgnoredClaim(
    `data source (${source.kind}) is not handled by the provisioner, assuming an external populator will provision it`,
  );
}
