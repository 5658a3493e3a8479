import type { Client } from '../client/index.ts';
import type { Machine } from '../host/simulated/index.ts';
import {
  controllerRevisions,
  namespaces,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  replicaSets,
  volumeAttachments,
  volumeGroupSnapshotContents,
  volumeGroupSnapshots,
  volumeSnapshotContents,
  volumeSnapshots,
} from '../kube/index.ts';
import { CONTROL, type Computer } from './computer.ts';
import { FLEX_KINDS } from './flex/programs.ts';
import { TEAM } from './namespaces.ts';
import { nodeRootOf, POOL } from './paths.ts';
import { WORKLOADS } from './workloads.ts';
import type { World } from './world.ts';

/** What should not be there once everything has been deleted. What was on a lost machine is lost. */
export async function left(world: World): Promise<string[]> {
  const alive = [...world.computers.values()].filter(({ power }) => power !== 'lost');
  return [
    ...(await objectsLeft(world.api.client)),
    ...alive.flatMap((computer) => [...machineLeft(computer, (id) => world.monitor.mayStay(id))]),
    ...storageLeft(world),
    ...world.containers.running().map(({ podName }) => `container of ${podName}`),
  ];
}

async function objectsLeft(client: Client): Promise<string[]> {
  const found: string[] = [];
  const workloads = Object.values(WORKLOADS).map(({ resource }) => resource);
  for (const resource of [
    pods,
    persistentVolumeClaims,
    persistentVolumes,
    volumeAttachments,
    volumeSnapshots,
    volumeSnapshotContents,
    volumeGroupSnapshots,
    volumeGroupSnapshotContents,
    replicaSets,
    controllerRevisions,
    ...workloads,
  ])
    for (const { metadata, status } of (await client.list(resource as typeof pods)).items)
      found.push(
        `${resource.kind} ${metadata.name} (${status?.phase ?? ''}${metadata.deletionTimestamp ? ', deleting' : ''}, finalizers [${metadata.finalizers ?? ''}])`,
      );
  for (const { metadata } of (await client.list(namespaces)).items)
    if (metadata.name === TEAM) found.push(`Namespace ${TEAM}`);
  return found;
}

function* machineLeft({ name, machine }: Computer, mayStay: (volumeId: string) => boolean): Iterable<string> {
  for (const { target } of machine.mounts())
    if (target !== '/' && target !== '/dev') yield `mount ${target} on ${name}`;
  for (const { device, backingFile } of machine.loops()) yield `loop device ${device} of ${backingFile}`;
  for (const file of namesIn(machine, POOL))
    if (!mayStay(file.replace(/\.(img|json)$/, ''))) yield `pool file ${file}`;
  if (name === CONTROL) return;
  const root = nodeRootOf(name);
  for (const uid of namesIn(machine, `${root}/pods`)) yield `pod directory ${uid} on ${name}`;
  const plugins = `${root}/plugins/kubernetes.io/csi`;
  const devices = `${plugins}/volumeDevices`;
  for (const kind of FLEX_KINDS)
    for (const directory of namesIn(machine, `${root}/plugins/kubernetes.io/flexvolume/sim/${kind}/mounts`))
      yield `global directory ${directory} of a FlexVolume on ${name}`;
  // The parents of what is staged or published stay.
  const shared = [`${devices}/staging`, `${devices}/publish`];
  const parents = namesIn(machine, plugins).map((driver) => `${plugins}/${driver}`);
  for (const parent of [...parents, ...shared])
    for (const directory of namesIn(machine, parent))
      if (!shared.includes(`${parent}/${directory}`)) yield `global directory ${directory} on ${name}`;
}

function* storageLeft({ storage, monitor }: World): Iterable<string> {
  for (const { id, grants } of storage.volumes()) {
    if (grants.size > 0) yield `volume ${id} is published to ${[...grants.keys()]}`;
    else if (!monitor.mayStay(id)) yield `volume ${id} of the network storage`;
  }
}

function namesIn(machine: Machine, path: string): string[] {
  return [...(machine.lookup(path)?.node.entries.keys() ?? [])];
}
