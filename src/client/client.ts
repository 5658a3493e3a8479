import type { KubeObject, ObjectList, Resource, Stored, WatchEvent } from '../kube/index.ts';

/** Which object: `namespace` only for namespaced resources. */
export interface ObjectName {
  readonly namespace?: string;
  readonly name: string;
}

export interface ListOptions {
  /** All namespaces when absent. */
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** At most so many; the list's `metadata.continue` gets the next page. */
  readonly limit?: number;
  readonly continue?: string;
  readonly resourceVersion?: string;
  readonly resourceVersionMatch?: 'Exact' | 'NotOlderThan';
  readonly signal?: AbortSignal;
}

export interface WatchOptions {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** Changes after this one. Unset or '0': the present state as ADDED first. */
  readonly resourceVersion?: string;
  readonly allowWatchBookmarks?: boolean;
  /**
   * Whether the present state comes first, as ADDED, of `resourceVersion` or newer; with bookmarks one annotated
   * `k8s.io/initial-events-end` ends it. @default only when `resourceVersion` is unset or '0'
   */
  readonly sendInitialEvents?: boolean;
  readonly timeoutSeconds?: number;
  /** Ends the iteration without an error. */
  readonly signal?: AbortSignal;
}

export interface WriteOptions {
  readonly dryRun?: boolean;
  /** Who writes, for managedFields. */
  readonly fieldManager?: string;
  readonly fieldValidation?: 'Ignore' | 'Warn' | 'Strict';
  readonly signal?: AbortSignal;
}

export interface SubresourceOption {
  /** e.g. 'status'. */
  readonly subresource?: string;
}

export type PatchType = 'json' | 'merge' | 'strategic' | 'apply';

/** A patch body: operations for 'json', a partial object for the others. */
export interface Patch {
  readonly type: PatchType;
  readonly body: unknown;
}

export interface DeleteOptions {
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: 'Orphan' | 'Background' | 'Foreground';
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
  readonly dryRun?: boolean;
  readonly signal?: AbortSignal;
}

/**
 * Access to an API server, the same for the embedded one and any other. Every method rejects with a StatusError
 * that says what the server said; a server that cannot be reached rejects with a plain Error. Objects that come
 * back are frozen and may be shared: copy, never change.
 */
export interface Client {
  get<T extends KubeObject>(
    resource: Resource<T>,
    name: ObjectName,
    options?: SubresourceOption & { signal?: AbortSignal },
  ): Promise<Stored<T>>;
  list<T extends KubeObject>(resource: Resource<T>, options?: ListOptions): Promise<ObjectList<Stored<T>>>;
  /** Ends when the server or the signal ends it. Throws a StatusError 410 (isExpired) when the version is too old. */
  watch<T extends KubeObject>(
    resource: Resource<T>,
    options?: WatchOptions,
  ): AsyncIterable<WatchEvent<Stored<T>>>;
  create<T extends KubeObject>(resource: Resource<T>, object: T, options?: WriteOptions): Promise<Stored<T>>;
  /** Replaces the object; its resourceVersion, when set, must be current. */
  update<T extends KubeObject>(
    resource: Resource<T>,
    object: T,
    options?: WriteOptions & SubresourceOption,
  ): Promise<Stored<T>>;
  patch<T extends KubeObject>(
    resource: Resource<T>,
    name: ObjectName,
    patch: Patch,
    options?: WriteOptions & SubresourceOption & { force?: boolean },
  ): Promise<Stored<T>>;
  /** The deleted object, or the object that now waits for its finalizers or its grace period. */
  delete<T extends KubeObject>(
    resource: Resource<T>,
    name: ObjectName,
    options?: DeleteOptions,
  ): Promise<Stored<T>>;
  deleteCollection<T extends KubeObject>(
    resource: Resource<T>,
    selection: Pick<ListOptions, 'namespace' | 'labelSelector' | 'fieldSelector'>,
    options?: DeleteOptions,
  ): Promise<void>;
  /** POST to a subresource that takes a body of its own: binding, eviction, token. */
  createSubresource<T extends KubeObject, B, R = unknown>(
    resource: Resource<T>,
    name: ObjectName,
    subresource: string,
    body: B,
    options?: WriteOptions,
  ): Promise<R>;
}
