import { persistentVolumeClaimResize } from './claim-resize.ts';
import type { AdmissionPlugin } from './contract.ts';
import { defaultStorageClassPlugin } from './default-storage-class.ts';
import { defaultTolerationSeconds } from './default-toleration-seconds.ts';
import { limitRanger } from './limit-ranger.ts';
import { namespaceLifecycle } from './namespace-lifecycle.ts';
import { nodeRestriction } from './node-restriction.ts';
import { podTopologyLabels } from './pod-topology-labels.ts';
import { priority } from './priority.ts';
import { resourceQuota } from './resource-quota.ts';
import { roleEscalation } from './role-escalation.ts';
import { serviceAccount } from './service-account/index.ts';
import { storageObjectInUseProtection } from './storage-object-in-use-protection.ts';
import { taintNodesByCondition } from './taint-nodes-by-condition.ts';

export { admit, prepareAdmission, validateAdmission } from './chain.ts';
export type { AdmissionPlugin, AdmissionReader } from './contract.ts';

/** All, in upstream's order (kubeapiserver/options AllOrderedPlugins). */
const ordered: readonly AdmissionPlugin[] = [
  namespaceLifecycle,
  limitRanger,
  serviceAccount,
  nodeRestriction,
  taintNodesByCondition,
  defaultTolerationSeconds,
  priority,
  defaultStorageClassPlugin,
  storageObjectInUseProtection,
  persistentVolumeClaimResize,
  podTopologyLabels,
  roleEscalation,
  resourceQuota,
];

/** The chain of a server: all but the optional ones that it does not ask for. */
export function admissionPlugins(enabled: readonly string[] = []): readonly AdmissionPlugin[] {
  return ordered.filter(({ name, optional }) => !optional || enabled.includes(name));
}
