import type { AdmissionPlugin } from './contract.ts';
import { defaultStorageClassPlugin } from './default-storage-class.ts';
import { defaultTolerationSeconds } from './default-toleration-seconds.ts';
import { namespaceLifecycle } from './namespace-lifecycle.ts';
import { priority } from './priority.ts';
import { storageObjectInUseProtection } from './storage-object-in-use-protection.ts';

export { admit, validateAdmission } from './chain.ts';
export type { AdmissionReader } from './contract.ts';

/** The chain, in upstream's order (kubeapiserver/options AllOrderedPlugins). */
export const admissionPlugins: readonly AdmissionPlugin[] = [
  namespaceLifecycle,
  defaultTolerationSeconds,
  priority,
  defaultStorageClassPlugin,
  storageObjectInUseProtection,
];
