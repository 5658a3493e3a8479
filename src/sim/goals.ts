import type { Client } from '../client/index.ts';
import { compareQuantity, type PersistentVolumeClaim, type Pod, type Stored } from '../kube/index.ts';
import { isKeptAsSource, openAttributes, openCopies } from './copy-goals.ts';
import { openGroups, openPool } from './group-goals.ts';
import { Obstacles } from './obstacles.ts';
import { type Snapshot, type Truth, takeSnapshot } from './snapshot.ts';
import { OWNER_LABEL, WORKLOADS } from './workloads.ts';

/** What is still to happen before the system has converged: nothing, when all that can be is as it was asked for. */
export async function unconverged(client: Client, truth: Truth): Promise<string[]> {
  const snapshot = await takeSnapshot(client);
  const obstacles = new Obstacles(snapshot, truth);
  return [
    ...openNodes(snapshot, truth),
    ...openPods(snapshot, truth, obstacles),
    ...openClaims(snapshot, truth, obstacles),
    ...openVolumes(snapshot, obstacles),
    ...openAttachments(snapshot, obstacles),
    ...openWorkloads(snapshot, obstacles),
    ...openNamespaces(snapshot),
    ...openAttributesClasses(snapshot),
    ...openCopies(snapshot),
    ...openGroups(snapshot),
    ...openPool(snapshot, truth),
  ];
}

const ENDED: ReadonlySet<string | undefined> = new Set(['Succeeded', 'Failed']);

function* openNodes(snapshot: Snapshot, { aliveNodes }: Truth): Iterable<string> {
  for (const name of aliveNodes) {
    const node = snapshot.nodes.get(name);
    const ready = node?.status?.conditions?.find(({ type }) => type === 'Ready')?.status;
    const taints = (node?.spec?.taints ?? []).map(({ key }) => key);
    if (ready !== 'True' || taints.length > 0) yield `node ${name} is ${ready}, tainted [${taints}]`;
  }
  for (const name of snapshot.nodes.keys())
    if (!aliveNodes.includes(name)) yield `node ${name} is still there`;
}

function* openPods(snapshot: Snapshot, { aliveNodes }: Truth, obstacles: Obstacles): Iterable<string> {
  for (const pod of snapshot.pods.values()) {
    const { name, deletionTimestamp } = pod.metadata;
    const { nodeName } = pod.spec ?? {};
    const phase = pod.status?.phase;
    if (deletionTimestamp) yield `pod ${name} is being deleted`;
    else if (nodeName && !aliveNodes.includes(nodeName)) yield `pod ${name} is on ${nodeName}, which is lost`;
    else if (!ENDED.has(phase) && phase !== 'Running' && !obstacles.ofPod(pod))
      yield `pod ${name} is ${phase}`;
  }
}

function* openClaims(snapshot: Snapshot, truth: Truth, obstacles: Obstacles): Iterable<string> {
  const { claims, pods } = snapshot;
  const uids = new Set([...pods.values()].map(({ metadata }) => metadata.uid));
  for (const claim of claims.values()) {
    const { name, deletionTimestamp, ownerReferences = [] } = claim.metadata;
    if (ownerReferences.some(({ kind, uid }) => kind === 'Pod' && !uids.has(uid)))
      yield `claim ${name} was a pod's, which is gone`;
    if (deletionTimestamp) {
      if (obstacles.users(name).length === 0 && !isKeptAsSource(claim, snapshot))
        yield `claim ${name} is being deleted, and nobody uses it`;
    } else if (claim.status?.phase === 'Pending' && obstacles.shouldBind(claim))
      yield `claim ${name} is Pending`;
    else if (isGrowing(claim, obstacles)) yield `claim ${name} is to grow`;
    const attributes = openAttributes(claim, snapshot, truth);
    if (attributes !== undefined) yield attributes;
  }
}

/** Whether somebody has still to do something for a claim that asks for more: the driver, or the node of a pod that uses it. */
function isGrowing({ metadata, spec, status }: Stored<PersistentVolumeClaim>, obstacles: Obstacles): boolean {
  const asked = spec?.resources?.requests?.storage;
  if (status?.phase !== 'Bound' || compareQuantity(asked, status.capacity?.storage) <= 0) return false;
  const state = status.allocatedResourceStatuses?.storage;
  if (state === 'ControllerResizeInfeasible') return false;
  const isUsed = obstacles.users(metadata.name).some((pod) => pod.status?.phase === 'Running');
  return isUsed || !state?.startsWith('Node');
}

function* openVolumes({ volumes }: Snapshot, obstacles: Obstacles): Iterable<string> {
  for (const volume of volumes.values()) {
    const { name, deletionTimestamp } = volume.metadata;
    if (obstacles.isUsed(name)) continue;
    const { phase } = volume.status ?? {};
    if (phase !== 'Bound' && deletionTimestamp) yield `volume ${name} is being deleted`;
    else if (phase === 'Released' && volume.spec?.persistentVolumeReclaimPolicy === 'Delete')
      yield `volume ${name} is Released`;
    else if (phase === 'Failed' || phase === 'Pending' || phase === undefined)
      yield `volume ${name} is ${phase ?? 'new'}`;
  }
}

function* openNamespaces({ namespaces }: Snapshot): Iterable<string> {
  for (const { metadata } of namespaces.values())
    if (metadata.deletionTimestamp) yield `namespace ${metadata.name} is being deleted`;
}

function* openAttributesClasses({ attributes, claims, volumes }: Snapshot): Iterable<string> {
  const used = new Set<string | undefined>();
  for (const { spec, status } of claims.values()) {
    used.add(spec?.volumeAttributesClassName);
    used.add(status?.currentVolumeAttributesClassName);
    used.add(status?.modifyVolumeStatus?.targetVolumeAttributesClassName);
  }
  for (const { spec } of volumes.values()) used.add(spec?.volumeAttributesClassName);
  for (const { metadata } of attributes.values())
    if (metadata.deletionTimestamp && !used.has(metadata.name))
      yield `class of attributes ${metadata.name} is being deleted, and nobody has it`;
}

function* openAttachments({ attachments, volumes }: Snapshot, obstacles: Obstacles): Iterable<string> {
  for (const { metadata, spec, status } of attachments.values()) {
    const name = spec.source.persistentVolumeName ?? '';
    const needed = obstacles.needs(name, spec.nodeName);
    const leaves = volumes.get(name)?.metadata.deletionTimestamp;
    const waits = leaves || obstacles.heldElsewhere(name, spec.nodeName);
    if (!needed || !(status?.attached || waits))
      yield `attachment ${metadata.name} of ${name} to ${spec.nodeName} is ${needed ? 'wanted' : 'left'}`;
  }
}

function* openWorkloads({ workloads, pods: all }: Snapshot, obstacles: Obstacles): Iterable<string> {
  for (const { kind, object } of workloads) {
    const { name, uid, deletionTimestamp } = object.metadata;
    const own = [...all.values()].filter(({ metadata }) => isOf(metadata, name, uid));
    if (own.some((pod) => obstacles.ofPod(pod))) continue;
    const open = deletionTimestamp ? 'is being deleted' : WORKLOADS[kind].open(object);
    if (open) yield `${kind} ${name} ${open}`;
  }
}

/** The pods of a job have its label; those of others ours. */
function isOf({ labels }: Stored<Pod>['metadata'], name: string, uid: string): boolean {
  return labels?.[OWNER_LABEL] === name || labels?.['batch.kubernetes.io/controller-uid'] === uid;
}
