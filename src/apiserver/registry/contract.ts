import type { DeleteOptions, ListOptions, ObjectName, Patch, WatchOptions } from '../../client/index.ts';
import type { KubeObject, Resource, Scale, StatusCause, Stored } from '../../kube/index.ts';
import type { Authorization } from '../auth/authorization/contract.ts';
import type { UserInfo } from '../auth/user.ts';
import type { JSONSchema } from '../crd/types.ts';
import type { ReplicasPaths } from './managed-fields/scale-managers.ts';
import type { Shape } from './managed-fields/shape.ts';

export type { UserInfo };

/** What a write needs to know about its request. */
export interface RequestContext {
  readonly user: UserInfo;
  readonly dryRun?: boolean;
  readonly fieldManager?: string;
  readonly fieldValidation?: 'Ignore' | 'Warn' | 'Strict';
  /** Paths that the request's JSON gave more than once, for fieldValidation. */
  readonly duplicateFields?: readonly string[];
  /** The same of YAML, as sentences of its parser. */
  readonly duplicateKeys?: readonly string[];
  /** What a JSON patch's own operations have that no operation has, for fieldValidation. */
  readonly patchProblems?: readonly string[];
  /** Takes a warning for the client (the HTTP Warning header). */
  readonly warn?: (message: string) => void;
}

/** A column of `kubectl get` (metav1.TableColumnDefinition) and how a cell is filled. */
export interface Column<T extends KubeObject = KubeObject> {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'number' | 'boolean' | 'date';
  readonly format?: string;
  readonly description: string;
  /** 0 is always shown, 1 only with -o wide. */
  readonly priority: 0 | 1;
  /** `nowMs`: wall time, for ages. */
  cell(object: Stored<T>, nowMs: number): string | number | boolean | null;
}

/** What the server does with the objects of one resource. Pure functions on frozen objects. */
export interface Strategy<T extends KubeObject = KubeObject> {
  /** Fills what the client left out (also applied on update). */
  defaults?(object: T): T;
  /** Before a create: clear what a client may not set (status). */
  prepareForCreate?(object: T, nowMs: number): T;
  /** Before an update of the main resource: keep what it may not touch (status). */
  prepareForUpdate?(next: T, previous: Stored<T>): T;
  validate?(object: T): readonly StatusCause[];
  /** Rules of a create alone: those that an update checks otherwise. */
  validateNew?(object: T): readonly StatusCause[];
  validateUpdate?(next: T, previous: Stored<T>): readonly StatusCause[];
  /** Before an update of /status: keep all but the status. Without it only `spec` is kept, as most of upstream does. */
  prepareForStatusUpdate?(next: T, previous: Stored<T>, nowMs: number): T;
  /** Rules of /status updates beyond those of metadata. */
  validateStatusUpdate?(next: T, previous: Stored<T>): readonly StatusCause[];
  /** What to tell the client of an object that is accepted; `previous` is absent for a create. */
  warnings?(object: T, previous: Stored<T> | undefined): readonly string[];
  /** Seconds of grace that a delete has when the client asked for `asked`; 0 or no method: the object goes at once. */
  gracePeriodSeconds?(object: Stored<T>, asked: number | undefined): number;
  /** A delete that has to wait marks the object with this too (a namespace's phase). */
  markDeleting?(object: T): T;
  /** Why the object of that name is never deleted by name; with its collection it goes, as upstream. `undefined`: it is. */
  whyKept?(name: string): string | undefined;
  /** What besides metadata.finalizers keeps a deleted object (a namespace's spec.finalizers). */
  blocksDeletion?(object: T): boolean;
  /** Form of metadata.name; a DNS subdomain when absent. No entry: it is fine. */
  validateName?(name: string): readonly string[];
  /** Updates must carry a resourceVersion. */
  readonly requiresResourceVersion?: boolean;
  /** Whether `spec` changes count in metadata.generation; 'from updates': new objects have none. */
  readonly tracksGeneration?: boolean | 'from updates';
  /** What besides `spec` counts in it (a deployment's annotations). */
  alsoInGeneration?(next: T, previous: Stored<T>): boolean;
  /** What becomes of dependents when a delete does not say. @default 'Background' */
  readonly defaultPropagation?: 'Orphan';
  /** A PUT makes the object when there is none. */
  readonly createsOnUpdate?: boolean;
}

/** A row of the server's table: everything about one resource as data. */
export interface ResourceDefinition<T extends KubeObject = KubeObject> extends Resource<T> {
  /** e.g. ['status']. */
  readonly subresources: readonly string[];
  readonly verbs: readonly string[];
  /** Columns after NAME … in upstream's order; Name is the first, Age where upstream has it. */
  readonly columns: readonly Column<T>[];
  /** Selectable fields beyond metadata.name and metadata.namespace: path to value. */
  readonly selectableFields: Readonly<Record<string, (object: T) => string>>;
  /** What is said of a field that is not among them. @default field label not supported: … */
  readonly unknownField?: (path: string) => string;
  /** Those of them that are looked up often enough to be worth an index. */
  readonly indexedFields?: readonly string[];
  readonly strategy: Strategy<T>;
  /**
   * Subresources that take a body of their own by POST (binding): the object as the body makes it.
   * Failures are StatusErrors.
   */
  readonly actions?: Readonly<Record<string, (object: Stored<T>, body: KubeObject, nowMs: number) => T>>;
  /** Subresources beside status that an update may go to (finalize). */
  readonly updatable?: Readonly<Record<string, UpdatableSubresource<T>>>;
  /** What the scale subresource shows of an object, and does to it. */
  readonly scale?: ScaleView<T>;
  /** Of a kind that has no objects of its own but shows those of another (events.k8s.io). */
  readonly view?: StoredForm & { readonly of: Resource };
  /** What every request of a deprecated built-in kind is told. */
  readonly deprecation?: string;
  /** Of a kind that a CustomResourceDefinition made: what the built-in ones have in code. */
  readonly custom?: CustomKind;
}

/** A part of an object that has an address of its own to be changed at. */
export interface UpdatableSubresource<T extends KubeObject = KubeObject> {
  /** The object with what may be changed here, of `next`. */
  take(next: T, previous: Stored<T>): T;
  /** Rules of such a change beyond those of metadata. */
  validate?(next: T, previous: Stored<T>): readonly StatusCause[];
}

/** An object as a number of replicas (autoscaling/v1 Scale). */
export interface ScaleView<T extends KubeObject = KubeObject> {
  read(object: Stored<T>): Scale;
  /** The path at which the object says how many there are to be, when it does not say: it has no Scale to show. */
  lacks?(object: Stored<T>): string | undefined;
  /** @throws StatusError for a number that cannot be */
  write(object: Stored<T>, asked: Scale): T;
  /** Whose the replicas are: for managedFields. */
  readonly replicasPaths: ReplicasPaths;
}

/** A kind that shows what is stored as another. */
export interface StoredForm {
  /** A stored object as this kind or version shows it. */
  read(entry: Entry): Entry;
  /** An object of this kind or version as it is stored. */
  write(object: KubeObject): KubeObject;
}

/** How the objects of a definition are stored, where that is not as they are shown. */
export function storedForm({
  view,
  custom,
}: Pick<ResourceDefinition, 'view' | 'custom'>): StoredForm | undefined {
  return view ?? custom;
}

/** One version of a kind that was defined at run time. */
export interface CustomKind extends StoredForm {
  /** The schema as it was given, for OpenAPI. */
  readonly schema: JSONSchema | undefined;
  readonly shape: Shape;
  readonly listKind: string;
  /** The version that objects are stored as, if it is served. */
  readonly storageVersion: string | undefined;
  /** What every request of a deprecated version is told. */
  readonly deprecation: string | undefined;
  /** Aborts when the definition goes or changes: what streams from it ends. */
  readonly removed: AbortSignal;
  /** What a client sent, pruned and with defaults. @throws DecodeError */
  decode(sent: unknown, previous: unknown, unknownFields: string[]): KubeObject;
}

/** A POST to a kind or a subresource of which nothing is stored. */
export interface Question {
  /** The object that it is put to, for a subresource. */
  readonly name?: ObjectName;
  /** The body, decoded as its kind. */
  readonly body: KubeObject;
  readonly context: RequestContext;
}

/** What comes back: the answer as an object of the same kind. Failures are StatusErrors. */
export type Answer = (question: Question) => KubeObject | Promise<KubeObject>;

/** A stored object with its JSON, made once and shared by every list and watch. */
export interface Entry<T extends KubeObject = KubeObject> {
  readonly object: Stored<T>;
  /** The object's revision as a number; the same as its metadata.resourceVersion. */
  readonly revision: number;
  /** UTF-8 JSON of the object. */
  json(): Buffer;
}

export interface EntryEvent<T extends KubeObject = KubeObject> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';
  /** For DELETED the last state, with the revision of the deletion. */
  readonly entry: Entry<T>;
}

export interface EntryList<T extends KubeObject = KubeObject> {
  readonly entries: readonly Entry<T>[];
  /** The revision of the snapshot, for metadata.resourceVersion. */
  readonly revision: number;
  readonly continue?: string;
  readonly remainingItemCount?: number;
}

/**
 * The API server without its wire: resources, their rules and their objects. The HTTP server and the local client
 * both stand on it. Failures are StatusErrors. Writes resolve once they are durable.
 */
export interface Registry {
  /** The live table. */
  definitions(): readonly ResourceDefinition[];
  find(group: string, version: string, plural: string): ResourceDefinition | undefined;
  /** The revision of the last durable write. */
  revision(): number;
  /** Who may do what. The registry itself does not ask: whoever takes requests does. */
  readonly authorization: Authorization;
  /** Resolves with the reason when the disk has failed: everything is refused from then on and the process must end. */
  readonly failed: Promise<Error>;
  /** Waits for the writes under way, then lets go of the store. */
  close(): Promise<void>;

  /** Has `answer` called for creates of a review kind, or of a subresource (serviceaccounts/token) of a stored one. */
  answerWith(resource: Resource, answer: Answer, subresource?: string): void;

  get<T extends KubeObject>(resource: Resource<T>, name: ObjectName): Entry<T>;
  list<T extends KubeObject>(resource: Resource<T>, options?: ListOptions): EntryList<T>;
  /** How many objects there are of a resource. */
  count(resource: Resource): number;
  /**
   * Batches of changes as they become durable. Ends with the signal or the time limit; throws StatusError 410 when the
   * reader has fallen out of the window. A slow reader costs a cursor, not a buffer.
   */
  watch<T extends KubeObject>(
    resource: Resource<T>,
    options?: WatchOptions,
  ): AsyncIterable<readonly EntryEvent<T>[]>;
  create<T extends KubeObject>(resource: Resource<T>, object: T, context: RequestContext): Promise<Entry<T>>;
  update<T extends KubeObject>(
    resource: Resource<T>,
    name: ObjectName,
    object: T,
    context: RequestContext,
    subresource?: string,
  ): Promise<Entry<T>>;
  /** Retries by itself on a conflict unless the patch carries a resourceVersion. */
  patch<T extends KubeObject>(
    resource: Resource<T>,
    name: ObjectName,
    patch: Patch,
    context: RequestContext,
    options?: { subresource?: string; force?: boolean },
  ): Promise<Entry<T>>;
  /** `finished` is false when the object now waits for finalizers or its grace period. */
  delete<T extends KubeObject>(
    resource: Resource<T>,
    name: ObjectName,
    options: DeleteOptions,
    context: RequestContext,
  ): Promise<{ entry: Entry<T>; finished: boolean }>;
  deleteCollection<T extends KubeObject>(
    resource: Resource<T>,
    selection: ListOptions,
    options: DeleteOptions,
    context: RequestContext,
  ): Promise<readonly Entry<T>[]>;
  /** POST to a subresource with a body of its own (pods/binding). Returns the response body. */
  createSubresource(
    resource: Resource,
    name: ObjectName,
    subresource: string,
    body: KubeObject,
    context: RequestContext,
  ): Promise<object>;
}
