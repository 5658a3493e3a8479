import {
  ANN_BETA_STORAGE_PROVISIONER,
  ANN_MIGRATED_TO,
  ANN_STORAGE_PROVISIONER,
  annotation,
  type PersistentVolumeClaim,
  type Stored,
  withAnnotations,
} from '../../kube/index.ts';
import { driverOfPlugin } from '../../volume/migration/index.ts';

/**
 * The claim, telling who is to make its volume; undefined when it tells so already. Both annotations: older provisioners
 * read the beta one. Source: setClaimProvisioner.
 */
export function withProvisioner(
  claim: Stored<PersistentVolumeClaim>,
  provisioner: string,
): Stored<PersistentVolumeClaim> | undefined {
  if (annotation(claim, ANN_STORAGE_PROVISIONER) === provisioner) return undefined;
  return withAnnotations(claim, {
    [ANN_MIGRATED_TO]: driverOfPlugin(provisioner),
    [ANN_BETA_STORAGE_PROVISIONER]: provisioner,
    [ANN_STORAGE_PROVISIONER]: provisioner,
  });
}
