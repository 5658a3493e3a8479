import {
  ANN_BETA_STORAGE_PROVISIONER,
  ANN_MIGRATED_TO,
  ANN_SELECTED_NODE,
  ANN_STORAGE_PROVISIONER,
  annotation,
  claimClass,
  type PersistentVolumeClaim,
  type StorageClass,
} from '../../kube/index.ts';
import { pluginOfDriver } from '../../volume/migration/index.ts';

/** Whether the PV controller has asked this driver for the claim's volume. */
export function isAskedOf(claim: PersistentVolumeClaim, driver: string): boolean {
  if (claim.spec?.volumeName) return false;
  const asked = annotation(claim, ANN_STORAGE_PROVISIONER) ?? annotation(claim, ANN_BETA_STORAGE_PROVISIONER);
  if (asked === driver) return true;
  return (
    asked !== undefined && asked === pluginOfDriver(driver) && annotation(claim, ANN_MIGRATED_TO) === driver
  );
}

/**
 * Whether the claim wants a volume now. With delayed binding a node must be selected: the annotation goes again when
 * the scheduler is to choose anew.
 * @throws Error when the claim's class is not there: it may come.
 */
export function shouldProvision(
  claim: PersistentVolumeClaim,
  driver: string,
  classOf: (name: string) => StorageClass | undefined,
): boolean {
  if (!isAskedOf(claim, driver)) return false;
  const className = claimClass(claim);
  const storageClass = classOf(className);
  if (!storageClass) throw new Error(`storageClass ${JSON.stringify(className)} not found`);
  return (
    storageClass.volumeBindingMode !== 'WaitForFirstConsumer' || Boolean(annotation(claim, ANN_SELECTED_NODE))
  );
}
