import type { Client } from '../client/index.ts';
import { apiVersionOf, type KubeObject, type Stored, type WatchEvent } from '../kube/index.ts';
import type { EntryEvent, Registry, RequestContext, UserInfo } from './registry/contract.ts';

const COMPONENT: UserInfo = { name: 'system:stowage', groups: ['system:masters', 'system:authenticated'] };

/**
 * A Client straight into the registry of the same process: no serialization; the objects are the stored ones, frozen
 * and shared. `user` is who admission sees.
 */
export function createLocalClient(registry: Registry, user: UserInfo = COMPONENT): Client {
  const contextOf = (options: Partial<RequestContext> = {}): RequestContext => ({
    user,
    dryRun: options.dryRun,
    fieldManager: options.fieldManager,
    fieldValidation: options.fieldValidation,
  });
  return {
    async get(resource, name) {
      return registry.get(resource, name).object;
    },
    async list(resource, options) {
      const { entries, revision, continue: next, remainingItemCount } = registry.list(resource, options);
      return {
        apiVersion: apiVersionOf(resource),
        kind: `${resource.kind}List`,
        metadata: { resourceVersion: String(revision), continue: next, remainingItemCount },
        items: entries.map((entry) => entry.object),
      };
    },
    async *watch(resource, options) {
      for await (const batch of registry.watch(resource, options)) {
        for (const event of batch) {
          if (options?.signal?.aborted) return;
          yield asWatchEvent(event);
        }
      }
    },
    async create(resource, object, options) {
      return (await registry.create(resource, object, contextOf(options))).object;
    },
    async update(resource, object, options) {
      const name = { namespace: object.metadata?.namespace, name: object.metadata?.name ?? '' };
      return (await registry.update(resource, name, object, contextOf(options), options?.subresource)).object;
    },
    async patch(resource, name, patch, options) {
      return (await registry.patch(resource, name, patch, contextOf(options), options)).object;
    },
    async delete(resource, name, options = {}) {
      return (await registry.delete(resource, name, options, contextOf({ dryRun: options.dryRun }))).entry
        .object;
    },
    async deleteCollection(resource, selection, options = {}) {
      await registry.deleteCollection(resource, selection, options, contextOf({ dryRun: options.dryRun }));
    },
    async createSubresource<T extends KubeObject, B, R>(
      resource: Parameters<Registry['createSubresource']>[0] & { type?: T },
      name: { namespace?: string; name: string },
      subresource: string,
      body: B,
      options?: Partial<RequestContext>,
    ): Promise<R> {
      const answer = await registry.createSubresource(
        resource,
        name,
        subresource,
        body as KubeObject,
        contextOf(options),
      );
      return answer as R;
    },
  };
}

function asWatchEvent<T extends KubeObject>(event: EntryEvent<T>): WatchEvent<Stored<T>> {
  return { type: event.type, object: event.entry.object };
}
