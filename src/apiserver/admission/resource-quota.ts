import {
  addLists,
  compareQuantity,
  excessOf,
  forbidden,
  inQuotaScopes,
  type KubeObject,
  listText,
  maskList,
  missingForQuota,
  type PersistentVolumeClaim,
  type Pod,
  persistentVolumeClaims,
  pods,
  quotaResourcesOf,
  quotaUsage,
  type ResourceList,
  type ResourceQuota,
  resourceQuotas,
  type Stored,
} from '../../kube/index.ts';
import type { AdmissionPlugin, AdmissionRequest } from './contract.ts';

/**
 * Charges what is written to the quotas of its namespace, or refuses what they do not allow. The use is written in the
 * same turn as the object, so two writes never both take what is left. It goes down by the controller's counting only.
 * Source: Kubernetes 1.36, apiserver admission/plugin/resourcequota CheckRequest.
 */
export const resourceQuota: AdmissionPlugin = {
  name: 'ResourceQuota',
  operations: ['CREATE', 'UPDATE'],
  subresources: true,
  validate(request) {
    const { namespace, object, reader } = request;
    if (namespace === undefined || !object || !isCharged(request)) return;
    for (const quota of reader.list(resourceQuotas, namespace)) charge(quota, object, request);
  },
};

/** Creates, and those updates that change what an object uses. */
function isCharged({ operation, resource, subresource, object, previous }: AdmissionRequest): boolean {
  if (operation === 'CREATE') return subresource === undefined;
  if (resource.group !== '') return false;
  if (resource.plural === persistentVolumeClaims.plural) {
    return subresource === undefined || (subresource === 'status' && allocates(object!, previous!));
  }
  if (resource.plural !== pods.plural || subresource !== undefined) return false;
  const ends = (pod: Pod) => pod.spec?.activeDeadlineSeconds !== undefined;
  return ends(object as Pod) !== ends(previous as Pod);
}

function allocates(next: PersistentVolumeClaim, previous: PersistentVolumeClaim): boolean {
  const taken = ({ status }: PersistentVolumeClaim) =>
    [
      status?.allocatedResources?.storage,
      status?.currentVolumeAttributesClassName,
      status?.modifyVolumeStatus?.targetVolumeAttributesClassName,
    ].join();
  return taken(next) !== taken(previous);
}

function charge(quota: Stored<ResourceQuota>, object: KubeObject, request: AdmissionRequest): void {
  const { resource, subresource, name, previous, nowMs } = request;
  const hard = quota.status?.hard ?? {};
  const used = quota.status?.used ?? {};
  const restricted = quotaResourcesOf(resource, Object.keys(hard));
  if (restricted.length === 0 || !inQuotaScopes(quota, resource, object)) return;
  const refuse = (why: string) => forbidden(resource, name, why);
  if (resource.group === '' && resource.plural === pods.plural) {
    const missing = missingForQuota(object as Pod, restricted);
    if (missing) throw refuse(`failed quota: ${quota.metadata.name}: ${missing}`);
  }
  if (restricted.some((one) => used[one] === undefined)) {
    const names = [...restricted].sort().join(',');
    throw refuse(`status unknown for quota: ${quota.metadata.name}, resources: ${names}`);
  }
  const usage = quotaUsage(resource, object, nowMs);
  const before =
    previous && inQuotaScopes(quota, resource, previous) ? quotaUsage(resource, previous, nowMs) : {};
  const added = withoutZeros(maskList(excessOf(usage, before), Object.keys(hard)));
  const names = Object.keys(added);
  if (names.length === 0) return;
  const next = addLists(used, added);
  const exceeded = names.filter((one) => compareQuantity(next[one], hard[one]) > 0);
  if (exceeded.length > 0 && subresource !== 'status') {
    const text = (list: ResourceList) => listText(maskList(list, exceeded));
    throw refuse(
      `exceeded quota: ${quota.metadata.name}, requested: ${text(added)}, used: ${text(used)}, limited: ${text(hard)}`,
    );
  }
  request.alsoWrite(resourceQuotas, { ...quota, status: { ...quota.status, used: next } });
}

function withoutZeros(list: ResourceList): ResourceList {
  return Object.fromEntries(
    Object.entries(list).filter(([, quantity]) => compareQuantity(quantity, '0') !== 0),
  );
}
