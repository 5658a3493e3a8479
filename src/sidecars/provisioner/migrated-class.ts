import type { StorageClass } from '../../kube/index.ts';
import { pluginOfDriver, translateStorageClass } from '../../volume/migration/index.ts';

/** Whether the class names the driver, or the in-tree plugin from which it took over. */
export function isClassOf(storageClass: StorageClass, driver: string): boolean {
  return storageClass.provisioner === driver || isMigratedClass(storageClass, driver);
}

/** Whether the class names the in-tree plugin from which the driver took over. */
export function isMigratedClass({ provisioner }: StorageClass, driver: string): boolean {
  return provisioner === pluginOfDriver(driver);
}

/** The class as the driver reads it. @throws Error in upstream's words. */
export function classForDriver<T extends StorageClass>(storageClass: T, driver: string): T {
  if (!isMigratedClass(storageClass, driver)) return storageClass;
  try {
    return translateStorageClass(storageClass);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`failed to translate storage class: ${why}`, { cause: error });
  }
}
