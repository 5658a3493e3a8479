import {
  ANN_BETA_STORAGE_PROVISIONER,
  ANN_MIGRATED_TO,
  ANN_PROVISIONED_BY,
  ANN_STORAGE_PROVISIONER,
  annotation,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type Stored,
  withAnnotations,
} from '../../kube/index.ts';
import { driverOfPlugin } from '../../volume/migration/index.ts';

// Who works on what an in-tree provisioner made or is to make: the annotation pv.kubernetes.io/migrated-to says it to
// the CSI driver that took over. Source: updateMigrationAnnotations.

type Migratable = PersistentVolume | PersistentVolumeClaim;

/** The claim as it must be annotated; undefined when it is. */
export function withClaimMigration(
  claim: Stored<PersistentVolumeClaim>,
): Stored<PersistentVolumeClaim> | undefined {
  return migrated(
    claim,
    annotation(claim, ANN_STORAGE_PROVISIONER) ?? annotation(claim, ANN_BETA_STORAGE_PROVISIONER),
  );
}

/** The volume as it must be annotated; undefined when it is. One made by hand is left alone. */
export function withVolumeMigration(volume: Stored<PersistentVolume>): Stored<PersistentVolume> | undefined {
  return migrated(volume, annotation(volume, ANN_PROVISIONED_BY));
}

function migrated<T extends Stored<Migratable>>(object: T, provisioner: string | undefined): T | undefined {
  if (provisioner === undefined) return undefined;
  const driver = driverOfPlugin(provisioner);
  if ((annotation(object, ANN_MIGRATED_TO) || undefined) === driver) return undefined;
  return withAnnotations(object, { [ANN_MIGRATED_TO]: driver });
}
