import type { Client } from '../client/index.ts';
import { DISK_DRIVER } from '../drivers/disk/index.ts';
import {
  type KubeObject,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  type Resource,
  StatusError,
  statefulSets,
  storageClasses,
} from '../kube/index.ts';
import { describeObject } from './api/describe.ts';
import {
  type Action,
  CLASSES,
  claimObject,
  classObject,
  NAMESPACE,
  podObject,
  type Step,
  setObject,
} from './workload.ts';
import type { World } from './world.ts';

const RETRY_MS = 200;

/** Does what the workload says, straight at the API server, as soon as it is up. */
export class User {
  readonly #world: World;
  readonly #steps: readonly Step[];
  #left: number;

  constructor(world: World, steps: readonly Step[]) {
    this.#world = world;
    this.#steps = steps;
    this.#left = steps.length;
  }

  get done(): boolean {
    return this.#left === 0;
  }

  /** Makes what every workload needs. */
  async prepare(): Promise<void> {
    for (const { name } of CLASSES)
      await this.#client.create(storageClasses, classObject(name, 'Delete', DISK_DRIVER));
    this.#world.machine.makeDirectory('/static');
  }

  begin(): void {
    for (const { atMs, action } of this.#steps) this.#later(atMs, action);
  }

  /** Deletes everything that users have made; what waits for something else is asked for again. */
  async deleteAll(): Promise<void> {
    await this.#deleteEach(statefulSets);
    await this.#deleteEach(pods);
    await this.#deleteEach(persistentVolumeClaims);
  }

  /** Deletes volumes that nobody reclaims; the data of retained ones was the user's to keep, and goes with them. */
  async deleteVolumes(): Promise<void> {
    for (const volume of (await this.#client.list(persistentVolumes)).items) {
      // One that is on its way already keeps the policy that it went with.
      if (volume.metadata.deletionTimestamp || volume.status?.phase === 'Bound') continue;
      if (volume.spec?.csi && volume.spec.persistentVolumeReclaimPolicy !== 'Delete') {
        const spec = { persistentVolumeReclaimPolicy: 'Delete' };
        await this.#try('patch', persistentVolumes, volume.metadata.name, (client) =>
          client.patch(persistentVolumes, { name: volume.metadata.name }, { type: 'merge', body: { spec } }),
        );
      } else if (!volume.spec?.csi) await this.#delete(persistentVolumes, volume.metadata.name);
    }
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
    switch (action.do) {
      case 'claim': {
        const { claim, mode, storageClass } = action;
        return this.#create(persistentVolumeClaims, claimObject(claim, mode, storageClass));
      }
      case 'static': {
        const { claim, mode } = action;
        const path = `/static/${claim}`;
        this.#world.machine.makeDirectory(path);
        await this.#create(persistentVolumes, {
          metadata: { name: claim },
          spec: {
            capacity: { storage: '8Mi' },
            accessModes: [mode],
            persistentVolumeReclaimPolicy: 'Retain',
            hostPath: { path },
          },
        });
        return this.#create(persistentVolumeClaims, claimObject(claim, mode, ''));
      }
      case 'pod':
        return this.#create(pods, podObject(action.pod, action.claim, action.node));
      case 'delete-pod':
        return this.#delete(pods, action.pod, action.graceSeconds);
      case 'delete-claim':
        return this.#delete(persistentVolumeClaims, action.claim);
      case 'delete-volume': {
        const name = await this.#volumeOf(action.claim);
        if (name) await this.#delete(persistentVolumes, name);
        return;
      }
      case 'stateful-set':
        return this.#create(statefulSets, setObject(action.set, action.replicas, action.storageClass));
      case 'scale': {
        const { set, replicas } = action;
        return this.#try('scale', statefulSets, set, (client) =>
          client.patch(
            statefulSets,
            { namespace: NAMESPACE, name: set },
            { type: 'merge', body: { spec: { replicas } } },
          ),
        );
      }
      case 'delete-set':
        return this.#delete(statefulSets, action.set);
      case 'edit-class': {
        const { storageClass, reclaimPolicy } = action;
        await this.#delete(storageClasses, storageClass);
        return this.#create(storageClasses, classObject(storageClass, reclaimPolicy, DISK_DRIVER));
      }
    }
  }

  async #volumeOf(claim: string): Promise<string | undefined> {
    try {
      const found = await this.#client.get(persistentVolumeClaims, { namespace: NAMESPACE, name: claim });
      return found.spec?.volumeName;
    } catch {
      return undefined;
    }
  }

  async #deleteEach<T extends KubeObject>(resource: Resource<T>): Promise<void> {
    for (const { metadata } of (await this.#client.list(resource, { namespace: NAMESPACE })).items)
      if (!metadata.deletionTimestamp) await this.#delete(resource, metadata.name);
  }

  async #create<T extends KubeObject>(resource: Resource<T>, object: T): Promise<void> {
    await this.#try('create', resource, object.metadata?.name ?? '', (client) =>
      client.create(resource, object),
    );
  }

  async #delete<T extends KubeObject>(
    resource: Resource<T>,
    name: string,
    gracePeriodSeconds?: number,
  ): Promise<void> {
    const namespace = resource.namespaced ? NAMESPACE : undefined;
    await this.#try('delete', resource, name, (client) =>
      client.delete(resource, { namespace, name }, { gracePeriodSeconds }),
    );
  }

  /** A user who is refused lets it be; one whose server dies too. */
  async #try(
    verb: string,
    resource: { readonly plural: string },
    name: string,
    work: (client: Client) => Promise<unknown>,
  ): Promise<void> {
    const { api, journal, monitor } = this.#world;
    try {
      const made = await api.serve(work);
      journal.write('user', `${verb} ${resource.plural} ${name}${describeObject(made)}`);
      monitor.wrote(resource as Resource);
    } catch (error) {
      journal.write('user', `${verb} ${resource.plural} ${name}: ${(error as Error).message}`);
      if (!(error instanceof StatusError) && api.up) throw error;
    }
  }
}
