import { deepFreeze } from '../../base/index.ts';
import {
  apiVersionOf,
  type KubeObject,
  type ObjectList,
  type Resource,
  type Status,
  type Stored,
  type WatchEvent,
} from '../../kube/index.ts';
import type {
  Client,
  DeleteOptions,
  ListOptions,
  ObjectName,
  Patch,
  PatchType,
  SubresourceOption,
  WatchOptions,
  WriteOptions,
} from '../client.ts';
import type { HttpClientOptions } from './connection.ts';
import { collectionPath, objectPath, queryText } from './paths.ts';
import { Transport } from './transport.ts';
import { parseWatch } from './watch-stream.ts';

/** A Client that holds connections: close it when it is no longer needed. */
export interface HttpClient extends Client {
  close(): void;
}

const PATCH_TYPES: Readonly<Record<PatchType, string>> = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
};

/** A client of any Kubernetes API server, over HTTPS. */
export function createHttpClient(options: HttpClientOptions): HttpClient {
  const transport = new Transport(options);
  return {
    async get(resource, name, { subresource, signal } = {}) {
      return asObject(
        resource,
        await transport.json({ method: 'GET', path: objectPath(resource, name, subresource), signal }),
      );
    },
    async list(resource, listOptions = {}) {
      const path = collectionPath(resource, listOptions.namespace) + listQuery(listOptions);
      return asList(resource, await transport.json({ method: 'GET', path, signal: listOptions.signal }));
    },
    watch: (resource, watchOptions = {}) => watch(transport, resource, watchOptions),
    async create(resource, object, writeOptions = {}) {
      const path = collectionPath(resource, object.metadata?.namespace) + writeQuery(writeOptions);
      const body = typed(resource, object);
      return asObject(
        resource,
        await transport.json({ method: 'POST', path, body, signal: writeOptions.signal }),
      );
    },
    async update(resource, object, writeOptions = {}) {
      const path = objectPath(resource, nameOf(object), writeOptions.subresource) + writeQuery(writeOptions);
      const body = typed(resource, object);
      return asObject(
        resource,
        await transport.json({ method: 'PUT', path, body, signal: writeOptions.signal }),
      );
    },
    async patch(resource, name, patch, patchOptions = {}) {
      return patchObject(transport, options.userAgent, resource, name, patch, patchOptions);
    },
    async delete(resource, name, deleteOptions = {}) {
      const path = objectPath(resource, name);
      const body = deleteBody(deleteOptions);
      const answer = await transport.json({ method: 'DELETE', path, body, signal: deleteOptions.signal });
      return asDeleted(resource, name, answer);
    },
    async deleteCollection(resource, selection, deleteOptions = {}) {
      const path = collectionPath(resource, selection.namespace) + listQuery(selection);
      const body = deleteBody(deleteOptions);
      await transport.json({ method: 'DELETE', path, body, signal: deleteOptions.signal });
    },
    async createSubresource<T extends KubeObject, B, R>(
      resource: Resource<T>,
      name: ObjectName,
      subresource: string,
      body: B,
      writeOptions: WriteOptions = {},
    ) {
      const path = objectPath(resource, name, subresource) + writeQuery(writeOptions);
      const { signal } = writeOptions;
      return deepFreeze(await transport.json({ method: 'POST', path, body, signal })) as R;
    },
    close: () => transport.close(),
  };
}

async function patchObject<T extends KubeObject>(
  transport: Transport,
  userAgent: string,
  resource: Resource<T>,
  name: ObjectName,
  patch: Patch,
  options: WriteOptions & SubresourceOption & { force?: boolean },
): Promise<Stored<T>> {
  const apply = patch.type === 'apply';
  // An apply must say who writes; other writes are named after the user agent by the server.
  const fieldManager = options.fieldManager ?? (apply ? userAgent.split('/')[0] : undefined);
  const query = writeQuery({ ...options, fieldManager }, apply && options.force);
  return asObject(
    resource,
    await transport.json({
      method: 'PATCH',
      path: objectPath(resource, name, options.subresource) + query,
      body: patch.body,
      contentType: PATCH_TYPES[patch.type],
      signal: options.signal,
    }),
  );
}

async function* watch<T extends KubeObject>(
  transport: Transport,
  resource: Resource<T>,
  options: WatchOptions,
): AsyncGenerator<WatchEvent<Stored<T>>> {
  const { namespace, signal, labelSelector, fieldSelector, resourceVersion } = options;
  if (signal?.aborted) return;
  const query = queryText({
    watch: true,
    labelSelector,
    fieldSelector,
    resourceVersion,
    allowWatchBookmarks: options.allowWatchBookmarks,
    timeoutSeconds: options.timeoutSeconds,
    sendInitialEvents: options.sendInitialEvents,
    resourceVersionMatch: options.sendInitialEvents === undefined ? undefined : 'NotOlderThan',
  });
  // Leaving the loop must end the request, whoever leaves it.
  const ended = new AbortController();
  const both = signal ? AbortSignal.any([signal, ended.signal]) : ended.signal;
  try {
    const path = collectionPath(resource, namespace) + query;
    const response = await transport.stream({ method: 'GET', path, signal: both });
    const destroy = () => response.destroy();
    both.addEventListener('abort', destroy, { once: true });
    yield* parseWatch<T>(response);
  } catch (error) {
    if (!signal?.aborted) throw error;
  } finally {
    ended.abort();
  }
}

function listQuery(options: ListOptions): string {
  const { labelSelector, fieldSelector, limit, resourceVersion, resourceVersionMatch } = options;
  return queryText({
    labelSelector,
    fieldSelector,
    limit,
    continue: options.continue,
    resourceVersion,
    resourceVersionMatch,
  });
}

function writeQuery({ dryRun, fieldManager, fieldValidation }: WriteOptions, force?: boolean): string {
  return queryText({ dryRun: dryRun ? 'All' : undefined, fieldManager, fieldValidation, force });
}

function deleteBody(options: DeleteOptions) {
  const { gracePeriodSeconds, propagationPolicy, preconditions, dryRun } = options;
  return {
    apiVersion: 'meta.k8s.io/v1',
    kind: 'DeleteOptions',
    gracePeriodSeconds,
    propagationPolicy,
    preconditions,
    dryRun: dryRun ? ['All'] : undefined,
  };
}

function nameOf(object: KubeObject): ObjectName {
  return { namespace: object.metadata?.namespace, name: object.metadata?.name ?? '' };
}

/** The object with the apiVersion and kind of its resource. */
function typed<T extends KubeObject>(resource: Resource<T>, object: T): T {
  if (object.apiVersion && object.kind) return object;
  return { ...object, apiVersion: apiVersionOf(resource), kind: resource.kind };
}

function asObject<T extends KubeObject>(resource: Resource<T>, answer: unknown): Stored<T> {
  return deepFreeze(typed(resource, answer as T)) as Stored<T>;
}

/** The items of a list come without apiVersion and kind from the upstream server. */
function asList<T extends KubeObject>(resource: Resource<T>, answer: unknown): ObjectList<Stored<T>> {
  const list = answer as ObjectList<Stored<T>>;
  return deepFreeze({
    ...list,
    items: (list.items ?? []).map((item) => typed(resource as Resource, item) as Stored<T>),
  });
}

/** A finished delete answers with the object or, for most kinds, with a Status that names what has gone. */
function asDeleted<T extends KubeObject>(
  resource: Resource<T>,
  name: ObjectName,
  answer: unknown,
): Stored<T> {
  const status = answer as Status;
  if (status.kind !== 'Status') return asObject(resource, answer);
  return asObject(resource, {
    metadata: {
      name: name.name,
      namespace: resource.namespaced ? name.namespace : undefined,
      uid: status.details?.uid ?? '',
      resourceVersion: '',
      creationTimestamp: '',
    },
  });
}
