import type { Client, ListOptions, ObjectName } from '../client/index.ts';
import { apiVersionOf, type KubeObject, type Resource } from '../kube/index.ts';
import { forbiddenFor, type ResourceAttributes, withSelector } from './auth/authorization/index.ts';
import { GROUP_MASTERS } from './auth/names.ts';
import type { Registry, RequestContext, UserInfo } from './registry/contract.ts';
import { WatchEvents } from './watch-events.ts';

const ADMINISTRATOR: UserInfo = {
  name: 'system:stowage',
  groups: ['system:masters', 'system:authenticated'],
};

/**
 * A Client straight into the registry of the same process: no serialization; the objects are the stored ones, frozen
 * and shared. It may do what `user` may, exactly as over HTTP.
 */
export function createLocalClient(registry: Registry, user: UserInfo = ADMINISTRATOR): Client {
  const { authorizer } = registry.authorization;
  const mayAll = user.groups.includes(GROUP_MASTERS);
  /** @throws StatusError 403 */
  const check = (attributes: ResourceAttributes): void => {
    const { allowed, reason } = authorizer.decide(user, attributes);
    if (!allowed) throw forbiddenFor(user, attributes, reason);
  };
  const checkOne = (
    verb: string,
    resource: Resource,
    { namespace, name }: ObjectName,
    subresource?: string,
  ) => {
    if (!mayAll)
      check({ verb, group: resource.group, resource: resource.plural, namespace, name, subresource });
  };
  const checkMany = (
    verb: string,
    { group, plural }: Resource,
    { namespace, fieldSelector }: Pick<ListOptions, 'namespace' | 'fieldSelector'> = {},
  ) => {
    if (!mayAll) check(withSelector({ verb, group, resource: plural, namespace }, fieldSelector));
  };
  const contextOf = (options: Partial<RequestContext> = {}): RequestContext => ({
    user,
    dryRun: options.dryRun,
    fieldManager: options.fieldManager,
    fieldValidation: options.fieldValidation,
  });
  return {
    async get(resource, name, options) {
      checkOne('get', resource, name, options?.subresource);
      const entry = registry.get(resource, name);
      const scale =
        options?.subresource === 'scale'
          ? registry.find(resource.group, resource.version, resource.plural)?.scale
          : undefined;
      return scale ? (scale.read(entry.object) as typeof entry.object) : entry.object;
    },
    async list(resource, options) {
      checkMany('list', resource, options);
      const { entries, revision, continue: next, remainingItemCount } = registry.list(resource, options);
      return {
        apiVersion: apiVersionOf(resource),
        kind: `${resource.kind}List`,
        metadata: { resourceVersion: String(revision), continue: next, remainingItemCount },
        items: entries.map((entry) => entry.object),
      };
    },
    watch(resource, options) {
      const open = () => {
        checkMany('watch', resource, options);
        return registry.watch(resource, options);
      };
      return new WatchEvents(open, options?.signal);
    },
    async create(resource, object, options) {
      // As over HTTP, a create is not about a name yet.
      checkMany('create', resource, { namespace: object.metadata?.namespace });
      return (await registry.create(resource, object, contextOf(options))).object;
    },
    async update(resource, object, options) {
      const name = { namespace: object.metadata?.namespace, name: object.metadata?.name ?? '' };
      checkOne('update', resource, name, options?.subresource);
      return (await registry.update(resource, name, object, contextOf(options), options?.subresource)).object;
    },
    async patch(resource, name, patch, options) {
      checkOne('patch', resource, name, options?.subresource);
      return (await registry.patch(resource, name, patch, contextOf(options), options)).object;
    },
    async delete(resource, name, options = {}) {
      checkOne('delete', resource, name);
      return (await registry.delete(resource, name, options, contextOf({ dryRun: options.dryRun }))).entry
        .object;
    },
    async deleteCollection(resource, selection, options = {}) {
      checkMany('deletecollection', resource, selection);
      await registry.deleteCollection(resource, selection, options, contextOf({ dryRun: options.dryRun }));
    },
    async createSubresource<T extends KubeObject, B, R>(
      resource: Parameters<Registry['createSubresource']>[0] & { type?: T },
      name: { namespace?: string; name: string },
      subresource: string,
      body: B,
      options?: Partial<RequestContext>,
    ): Promise<R> {
      checkOne('create', resource, name, subresource);
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
