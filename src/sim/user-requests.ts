import type { Client } from '../client/index.ts';
import { type KubeObject, pods, type Resource, StatusError } from '../kube/index.ts';
import { describeObject } from './api/describe.ts';
import { NAMESPACE } from './objects.ts';
import type { World } from './world.ts';

/** What users ask of the API server, and what they make of its answers. */
export class UserRequests {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  async deleteEach<T extends KubeObject>(resource: Resource<T>): Promise<void> {
    for (const { metadata } of (await this.#world.api.client.list(resource, { namespace: NAMESPACE })).items)
      if (!metadata.deletionTimestamp) await this.delete(resource, metadata.name);
  }

  async create<T extends KubeObject>(resource: Resource<T>, object: T): Promise<void> {
    await this.send('create', resource, object.metadata?.name ?? '', (client) =>
      client.create(resource, object),
    );
  }

  async patch(verb: string, resource: Resource, name: string, body: object): Promise<void> {
    const namespace = resource.namespaced ? NAMESPACE : undefined;
    await this.send(verb, resource, name, (client) =>
      client.patch(resource, { namespace, name }, { type: 'merge', body }),
    );
  }

  async delete<T extends KubeObject>(
    resource: Resource<T>,
    name: string,
    gracePeriodSeconds?: number,
  ): Promise<void> {
    const namespace = resource.namespaced ? NAMESPACE : undefined;
    await this.send('delete', resource, name, (client) =>
      client.delete(resource, { namespace, name }, { gracePeriodSeconds }),
    );
  }

  async evict(name: string): Promise<void> {
    const metadata = { namespace: NAMESPACE, name };
    await this.send('evict', pods, name, (client) =>
      client.createSubresource(pods, metadata, 'eviction', {
        apiVersion: 'policy/v1',
        kind: 'Eviction',
        metadata,
      }),
    );
  }

  /** A user who is refused lets it be; one whose server dies too. */
  async send<T extends KubeObject>(
    verb: string,
    resource: Resource<T>,
    name: string,
    work: (client: Client) => Promise<unknown>,
  ): Promise<void> {
    const { api, journal, monitor } = this.#world;
    try {
      const made = await api.serve(work);
      journal.write('user', `${verb} ${resource.plural} ${name}${describeObject(made)}`);
      monitor.wrote(verb, resource as Resource, (made ?? {}) as KubeObject);
    } catch (error) {
      journal.write('user', `${verb} ${resource.plural} ${name}: ${(error as Error).message}`);
      if (!(error instanceof StatusError) && api.up) throw error;
    }
  }
}
