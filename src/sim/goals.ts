import type { Client } from '../client/index.ts';
import {
  type PersistentVolumeClaim,
  type Pod,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  type Stored,
  statefulSets,
  storageClasses,
  volumeAttachments,
} from '../kube/index.ts';
import type { Machine } from './host/machine.ts';
import type { SimContainer } from './node/containers.ts';
import { POOL } from './paths.ts';

/** What is still to happen before the system has converged: nothing, when all that can be is as it was asked for. */
export async function unconverged(client: Client): Promise<string[]> {
  const [podList, claimList, classList, attachmentList, volumeList, setList] = await Promise.all([
    client.list(pods),
    client.list(persistentVolumeClaims),
    client.list(storageClasses),
    client.list(volumeAttachments),
    client.list(persistentVolumes),
    client.list(statefulSets),
  ]);
  const claims = new Map(claimList.items.map((claim) => [claim.metadata.name, claim]));
  const volumes = new Map(volumeList.items.map((volume) => [volume.metadata.name, volume]));
  const classes = new Map(classList.items.map((one) => [one.metadata.name, one]));
  const open: string[] = [];
  const users = new Map<string, Stored<Pod>[]>();
  for (const pod of podList.items)
    for (const claim of claimsOf(pod)) users.set(claim, [...(users.get(claim) ?? []), pod]);

  const canBind = (claim: Stored<PersistentVolumeClaim>) => {
    const name = claim.spec?.storageClassName ?? '';
    if (name === '') return volumes.has(claim.metadata.name) || claim.spec?.volumeName !== undefined;
    return classes.has(name);
  };
  const blocked = (pod: Stored<Pod>) =>
    claimsOf(pod).some((name) => {
      const claim = claims.get(name);
      const lost = claim?.status?.phase === 'Lost';
      // A pod that is there already keeps a claim that is being deleted.
      const starts = pod.status?.phase !== 'Running' && claim?.metadata.deletionTimestamp !== undefined;
      // Nor is a volume attached that is being deleted.
      const volume = volumes.get(claim?.spec?.volumeName ?? '');
      const leaves = pod.status?.phase !== 'Running' && volume?.metadata.deletionTimestamp !== undefined;
      return !claim || lost || starts || leaves || !canBind(claim) || isStatic(claim);
    });
  for (const pod of podList.items) {
    const { name, deletionTimestamp } = pod.metadata;
    if (deletionTimestamp) open.push(`pod ${name} is being deleted`);
    else if (pod.status?.phase !== 'Running' && !blocked(pod))
      open.push(`pod ${name} is ${pod.status?.phase}`);
  }
  for (const claim of claimList.items) {
    const { name, deletionTimestamp } = claim.metadata;
    const used = (users.get(name) ?? []).length > 0;
    const waits =
      classes.get(claim.spec?.storageClassName ?? '')?.volumeBindingMode === 'WaitForFirstConsumer';
    if (deletionTimestamp) {
      if (!used) open.push(`claim ${name} is being deleted, and nobody uses it`);
    } else if (claim.status?.phase === 'Pending' && canBind(claim) && !isStatic(claim) && (used || !waits))
      open.push(`claim ${name} is Pending`);
  }
  for (const volume of volumeList.items) {
    const { name, deletionTimestamp } = volume.metadata;
    const { phase } = volume.status ?? {};
    if (phase !== 'Bound' && deletionTimestamp) open.push(`volume ${name} is being deleted`);
    else if (phase === 'Released' && volume.spec?.persistentVolumeReclaimPolicy === 'Delete')
      open.push(`volume ${name} is Released`);
    else if (phase === 'Failed' || phase === 'Pending' || phase === undefined)
      open.push(`volume ${name} is ${phase ?? 'new'}`);
  }
  const wanted = new Set(
    podList.items.flatMap((pod) =>
      claimsOf(pod).map((name) => `${claims.get(name)?.spec?.volumeName}@${pod.spec?.nodeName}`),
    ),
  );
  for (const { metadata, spec, status } of attachmentList.items) {
    const needed = wanted.has(`${spec.source.persistentVolumeName}@${spec.nodeName}`);
    const leaves = volumes.get(spec.source.persistentVolumeName ?? '')?.metadata.deletionTimestamp;
    if (!needed || !(status?.attached || leaves))
      open.push(`attachment ${metadata.name} is ${needed ? 'wanted' : 'left'}`);
  }
  for (const { metadata, spec, status } of setList.items)
    if ((status?.replicas ?? 0) !== (spec?.replicas ?? 1))
      open.push(`set ${metadata.name} has ${status?.replicas ?? 0} of ${spec?.replicas} pods`);
  return open;
}

/** Static volumes can be taken away under a claim; whether such a claim binds is up to the order of things. */
function isStatic(claim: Stored<PersistentVolumeClaim>): boolean {
  return claim.spec?.storageClassName === '' && claim.status?.phase !== 'Bound';
}

function claimsOf(pod: Pod): string[] {
  return (pod.spec?.volumes ?? []).flatMap(
    ({ persistentVolumeClaim }) => persistentVolumeClaim?.claimName ?? [],
  );
}

/** What should not be there once everything has been deleted. */
export async function left(
  client: Client,
  machine: Machine,
  containers: readonly SimContainer[],
  mayStay: (volumeId: string) => boolean,
): Promise<string[]> {
  const found: string[] = [];
  for (const resource of [pods, persistentVolumeClaims, persistentVolumes, volumeAttachments, statefulSets])
    for (const { metadata, status } of (await client.list(resource as typeof pods)).items)
      found.push(
        `${resource.kind} ${metadata.name} (${status?.phase ?? ''}${metadata.deletionTimestamp ? ', deleting' : ''}, finalizers [${metadata.finalizers ?? ''}])`,
      );
  for (const { target } of machine.mounts())
    if (target !== '/' && target !== '/dev') found.push(`mount ${target}`);
  for (const { device, backingFile } of machine.loops())
    found.push(`loop device ${device} of ${backingFile}`);
  for (const name of namesIn(machine, POOL))
    if (!mayStay(name.replace(/\.(img|json)$/, ''))) found.push(`pool file ${name}`);
  for (const node of namesIn(machine, '/kubelet')) {
    for (const uid of namesIn(machine, `/kubelet/${node}/pods`))
      found.push(`pod directory ${uid} on ${node}`);
    const plugins = `/kubelet/${node}/plugins/kubernetes.io/csi`;
    for (const driver of namesIn(machine, plugins))
      for (const name of namesIn(machine, `${plugins}/${driver}`))
        found.push(`global directory ${name} on ${node}`);
  }
  for (const { podName, state } of containers) if (state === 'running') found.push(`container of ${podName}`);
  return found;
}

function namesIn(machine: Machine, path: string): string[] {
  return [...(machine.lookup(path)?.node.entries.keys() ?? [])];
}
