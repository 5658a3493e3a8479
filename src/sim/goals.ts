import type { Client } from '../client/index.ts';
import { Obstacles } from './obstacles.ts';
import { type Snapshot, type Truth, takeSnapshot } from './snapshot.ts';

/** What is still to happen before the system has converged: nothing, when all that can be is as it was asked for. */
export async function unconverged(client: Client, truth: Truth): Promise<string[]> {
  const snapshot = await takeSnapshot(client);
  const obstacles = new Obstacles(snapshot, truth);
  return [
    ...openNodes(snapshot, truth),
    ...openPods(snapshot, truth, obstacles),
    ...openClaims(snapshot, obstacles),
    ...openVolumes(snapshot, obstacles),
    ...openAttachments(snapshot, obstacles),
    ...openSets(snapshot, obstacles),
  ];
}

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
    else if (phase !== 'Running' && phase !== 'Failed' && !obstacles.ofPod(pod))
      yield `pod ${name} is ${phase}`;
  }
}

function* openClaims({ claims }: Snapshot, obstacles: Obstacles): Iterable<string> {
  for (const claim of claims.values()) {
    const { name, deletionTimestamp } = claim.metadata;
    if (deletionTimestamp) {
      if (obstacles.users(name).length === 0) yield `claim ${name} is being deleted, and nobody uses it`;
    } else if (claim.status?.phase === 'Pending' && obstacles.shouldBind(claim))
      yield `claim ${name} is Pending`;
  }
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

function* openSets({ sets, pods: all }: Snapshot, obstacles: Obstacles): Iterable<string> {
  for (const { metadata, spec, status } of sets.values()) {
    const own = [...all.values()].filter(({ metadata: { labels } }) => labels?.set === metadata.name);
    if (own.some((pod) => obstacles.ofPod(pod))) continue;
    const [is, wanted] = [status?.replicas ?? 0, spec?.replicas ?? 1];
    if (is !== wanted) yield `set ${metadata.name} has ${is} of ${wanted} pods`;
    else if (status?.currentRevision !== status?.updateRevision) yield `set ${metadata.name} is not updated`;
  }
}
