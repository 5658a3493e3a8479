import { sleep } from '../base/index.ts';
import type { Client } from '../client/index.ts';
import {
  ANN_DEFAULT_STORAGE_CLASS,
  configMaps,
  namespaces,
  nodes,
  parentGroupOf,
  persistentVolumeClaims,
  persistentVolumes,
  podDisruptionBudgets,
  pods,
  secrets,
  storageClasses,
  TAINT_OUT_OF_SERVICE,
  volumeAttributesClasses,
  volumeGroupSnapshotClasses,
  volumeGroupSnapshots,
  volumeSnapshotClasses,
  volumeSnapshots,
} from '../kube/index.ts';
import type { Action, Extra, StaticVolume, Step } from './actions.ts';
import { attributesClasses } from './attributes.ts';
import { classesOf } from './classes.ts';
import { snapshotClasses, snapshotObject } from './copies.ts';
import { BY_HAND, isHeldFlexVolume } from './flex/held.ts';
import { groupSnapshotClasses, groupSnapshotObject } from './groups.ts';
import { localClass, localPath, localVolumeObject } from './local-volumes.ts';
import { TEAM } from './namespaces.ts';
import {
  claimObject,
  classObject,
  firstClass,
  NAMESPACE,
  podObject,
  SETTINGS,
  staticVolumeObject,
} from './objects.ts';
import { deleteRetainedSnapshots } from './retained.ts';
import { UserRequests } from './user-requests.ts';
import { budgetObject, WORKLOADS, workloadObject } from './workloads.ts';
import type { World } from './world.ts';

const RETRY_MS = 200;
/** A node that has power again is taken back into service after so long. */
const BACK_IN_SERVICE_MS = 30_000;

/** Does what the workload says, straight at the API server, as soon as it is up; administrators among them. */
export class User {
  readonly #world: World;
  readonly #steps: readonly Step[];
  readonly #requests: UserRequests;
  #left: number;

  constructor(world: World, steps: readonly Step[]) {
    this.#world = world;
    this.#steps = steps;
    this.#requests = new UserRequests(world);
    this.#left = steps.length;
  }

  get done(): boolean {
    return this.#left === 0;
  }

  /** Makes what every workload needs. */
  async prepare(): Promise<void> {
    const { setting } = this.#world.options;
    for (const { name } of classesOf(setting))
      await this.#client.create(storageClasses, classObject(firstClass(name), setting.poolNode));
    const does = (...kinds: Action['do'][]) => this.#steps.some(({ action }) => kinds.includes(action.do));
    if (does('snapshot'))
      for (const one of snapshotClasses()) await this.#client.create(volumeSnapshotClasses, one);
    if (does('local')) await this.#client.create(storageClasses, localClass);
    if (does('group-snapshot'))
      for (const one of groupSnapshotClasses()) await this.#client.create(volumeGroupSnapshotClasses, one);
    if (does('modify') || this.#steps.some(({ action }) => action.do === 'claim' && action.attributes))
      for (const one of attributesClasses()) await this.#client.create(volumeAttributesClasses, one);
    const has = (extra: Extra) =>
      this.#steps.some(({ action }) => action.do === 'pod' && action.extras.includes(extra));
    const metadata = { name: SETTINGS, namespace: NAMESPACE };
    if (has('config')) await this.#client.create(configMaps, { metadata, data: { colour: 'blue' } });
    if (has('secret')) await this.#client.create(secrets, { metadata, stringData: { word: 'sesame' } });
  }

  begin(): void {
    for (const { atMs, action } of this.#steps) this.#later(atMs, action);
  }

  /** Deletes everything that users have made; what waits for something else is asked for again. */
  async deleteAll(): Promise<void> {
    for (const { resource } of Object.values(WORKLOADS)) await this.#requests.deleteEach(resource);
    await this.#requests.deleteEach(pods);
    await this.#requests.deleteEach(persistentVolumeClaims);
    await this.#requests.deleteEach(volumeGroupSnapshots);
    await this.#requests.deleteEach(volumeSnapshots);
    await this.#deleteTeam();
    await deleteRetainedSnapshots(this.#client, this.#requests);
  }

  /** Deletes volumes that nobody reclaims; the data of retained ones was the user's to keep, and goes with them. */
  async deleteVolumes(): Promise<void> {
    const { storage } = this.#world;
    const { nodesAttach = false } = this.#world.options;
    const named = new Set<string>();
    for (const { metadata, spec, status } of (await this.#client.list(persistentVolumes)).items) {
      const handle = spec?.flexVolume ? metadata.name : spec?.csi?.volumeHandle;
      if (handle !== undefined) named.add(handle);
      // One that is on its way already keeps the policy that it went with.
      if (metadata.deletionTimestamp || status?.phase === 'Bound') continue;
      const byHand = handle === undefined || storage.get(handle)?.byHand;
      if (byHand) await this.#requests.delete(persistentVolumes, metadata.name);
      else if (spec?.persistentVolumeReclaimPolicy !== 'Delete')
        await this.#requests.patch('patch', persistentVolumes, metadata.name, {
          spec: { persistentVolumeReclaimPolicy: 'Delete' },
        });
    }
    for (const { id, byHand, grants } of storage.volumes()) {
      const isHeld = id.startsWith(BY_HAND)
        ? grants.size > 0
        : [...grants.values()].some((grant) =>
            isHeldFlexVolume(grant, this.#world.computer(grant.node), nodesAttach),
          );
      if (byHand && !isHeld && !named.has(id)) storage.remove(id);
    }
  }

  async #deleteTeam(): Promise<void> {
    for (const { metadata } of (await this.#client.list(namespaces)).items)
      if (metadata.name === TEAM && !metadata.deletionTimestamp)
        await this.#requests.delete(namespaces, TEAM);
  }

  get #client(): Client {
    return this.#world.api.client;
  }

  #later(delayMs: number, action: Action): void {
    this.#world.clock.after(delayMs, () => {
      if (!this.#world.api.up) return this.#later(RETRY_MS, action);
      void this.#act(action).finally(() => this.#left--);
    });
  }

  async #act(action: Action): Promise<void> {
    const { poolNode } = this.#world.options.setting;
    switch (action.do) {
      case 'claim':
        return this.#requests.create(persistentVolumeClaims, claimObject(action));
      case 'static':
        return this.#createStatic(action, poolNode);
      case 'namespace':
        return this.#requests.create(namespaces, { metadata: { name: action.namespace } });
      case 'delete-namespace':
        return this.#requests.delete(namespaces, action.namespace);
      case 'local':
        return this.#createLocal(action.volume, action.node);
      case 'pod':
        return this.#requests.create(pods, podObject(action));
      case 'delete-pod':
        return this.#requests.delete(pods, action.pod, action.graceSeconds);
      case 'delete-claim':
        return this.#requests.delete(persistentVolumeClaims, action.claim);
      case 'delete-volume': {
        const name = await this.#volumeOf(action.claim);
        if (name) await this.#requests.delete(persistentVolumes, name);
        return;
      }
      case 'grow': {
        const spec = { resources: { requests: { storage: action.storage } } };
        return this.#requests.patch('grow', persistentVolumeClaims, action.claim, { spec });
      }
      case 'modify': {
        const spec = { volumeAttributesClassName: action.attributes };
        return this.#requests.patch('modify', persistentVolumeClaims, action.claim, { spec });
      }
      case 'delete-attributes':
        return this.#requests.delete(volumeAttributesClasses, action.attributes);
      case 'snapshot':
        return this.#requests.create(volumeSnapshots, snapshotObject(action));
      case 'delete-snapshot':
        return this.#requests.delete(volumeSnapshots, action.snapshot);
      case 'group-snapshot':
        return this.#requests.create(volumeGroupSnapshots, groupSnapshotObject(action));
      case 'delete-group-snapshot':
        return this.#requests.delete(volumeGroupSnapshots, action.snapshot);
      case 'restore-member':
        return this.#restoreMember(action);
      case 'evict':
        return this.#requests.evict(action.pod);
      case 'workload':
        if (action.budget) await this.#requests.create(podDisruptionBudgets, budgetObject(action.name));
        return this.#requests.create(WORKLOADS[action.kind].resource, workloadObject(action));
      case 'scale': {
        const spec = { replicas: action.replicas };
        return this.#requests.patch('scale', WORKLOADS[action.kind].resource, action.name, { spec });
      }
      case 'restart': {
        const annotations = { 'kubectl.kubernetes.io/restartedAt': String(action.revision) };
        const body = { spec: { template: { metadata: { annotations } } } };
        return this.#requests.patch('restart', WORKLOADS[action.kind].resource, action.name, body);
      }
      case 'delete-workload':
        return this.#requests.delete(WORKLOADS[action.kind].resource, action.name);
      case 'replace-class':
        this.#world.monitor.provisioningBrokeOff();
        await this.#requests.delete(storageClasses, action.storageClass);
        return this.#requests.create(storageClasses, classObject(action, poolNode));
      case 'default-class':
        for (const { name } of classesOf(this.#world.options.setting)) {
          const annotations = { [ANN_DEFAULT_STORAGE_CLASS]: String(name === action.storageClass) };
          await this.#requests.patch('annotate', storageClasses, name, { metadata: { annotations } });
        }
        return;
      case 'power-off':
        return this.#powerOff(action);
      case 'lose':
        this.#world.powerOff(action.node, undefined);
        await this.#wait(action.helpMs);
        return this.#requests.delete(nodes, action.node);
      case 'cut-off':
        return this.#cutOff(action);
    }
  }

  /** Which snapshot that is, is only known when it is there. */
  async #restoreMember({ member, wish }: Extract<Action, { do: 'restore-member' }>): Promise<void> {
    const { items } = await this.#client.list(volumeSnapshots, { namespace: NAMESPACE });
    const found = items.find(
      (one) =>
        parentGroupOf(one) === member.snapshot && one.spec.source.persistentVolumeClaimName === member.of,
    );
    if (!found) return;
    const source = { kind: 'VolumeSnapshot', name: found.metadata.name } as const;
    return this.#requests.create(persistentVolumeClaims, claimObject({ ...wish, source }));
  }

  async #createStatic(wish: StaticVolume, poolNode: string): Promise<void> {
    const { storage } = this.#world;
    const { claim, modes, kind, names, volumeFirst } = wish;
    // The driver of a FlexVolume is told of it by the name of its object.
    const handle = kind === 'network' ? `${BY_HAND}${claim}` : claim;
    if (kind !== 'host') storage.create(handle, 8n << 20n, true);
    else {
      const { machine } = this.#world.computer(poolNode);
      machine.makeDirectory(`/static/${claim}`);
      machine.sync();
    }
    const makeVolume = () =>
      this.#requests.create(persistentVolumes, staticVolumeObject(wish, handle, poolNode));
    const named = names === 'claim' || names === 'both' ? claim : undefined;
    if (volumeFirst) await makeVolume();
    await this.#requests.create(
      persistentVolumeClaims,
      claimObject({ claim, modes, storageClass: '' }, named),
    );
    if (!volumeFirst) await makeVolume();
  }

  async #createLocal(volume: string, node: string): Promise<void> {
    const { machine } = this.#world.computer(node);
    machine.makeDirectory(localPath(volume));
    machine.sync();
    return this.#requests.create(persistentVolumes, localVolumeObject(volume, node));
  }

  async #powerOff({ node, forMs, helpMs }: Extract<Action, { do: 'power-off' }>): Promise<void> {
    this.#world.powerOff(node, forMs);
    if (helpMs === undefined) return this.#wait(forMs);
    await this.#wait(helpMs);
    await this.#taint(node, [{ key: TAINT_OUT_OF_SERVICE, value: 'nodeshutdown', effect: 'NoExecute' }]);
    await this.#wait(forMs - helpMs + BACK_IN_SERVICE_MS);
    await this.#taint(node, []);
  }

  async #cutOff({ node, forMs, helpMs }: Extract<Action, { do: 'cut-off' }>): Promise<void> {
    this.#world.cutOff(node, forMs);
    if (helpMs === undefined) return this.#wait(forMs);
    await this.#wait(helpMs);
    for (const { metadata, spec } of (await this.#client.list(pods)).items)
      if (spec?.nodeName === node) await this.#requests.delete(pods, metadata.name, 0);
    await this.#wait(forMs - helpMs);
  }

  /** Sets the out-of-service taints of a node; others are not ours. */
  async #taint(node: string, ours: readonly object[]): Promise<void> {
    await this.#requests.send('taint', nodes, node, async (client) => {
      const found = await client.get(nodes, { name: node });
      const others = (found.spec?.taints ?? []).filter(({ key }) => key !== TAINT_OUT_OF_SERVICE);
      const { resourceVersion } = found.metadata;
      const body = { metadata: { resourceVersion }, spec: { taints: [...others, ...ours] } };
      return client.patch(nodes, { name: node }, { type: 'merge', body });
    });
  }

  async #wait(ms: number): Promise<void> {
    await sleep(this.#world.clock, ms);
    while (!this.#world.api.up) await sleep(this.#world.clock, RETRY_MS);
  }

  async #volumeOf(claim: string): Promise<string | undefined> {
    try {
      const found = await this.#client.get(persistentVolumeClaims, { namespace: NAMESPACE, name: claim });
      return found.spec?.volumeName;
    } catch {
      return undefined;
    }
  }
}
