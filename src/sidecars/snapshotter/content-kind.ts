import type { Clock } from '../../base/index.ts';
import type { CsiClient } from '../../csi/index.ts';
import {
  annotation,
  type DeletionPolicy,
  isBeingDeleted,
  type KubeObject,
  LABEL_SNAPSHOT_MANAGED_BY,
  type ObjectReference,
  type Resource,
  type SnapshotError,
  type SnapshotSecretPurpose,
  type Stored,
} from '../../kube/index.ts';
import type { Driver } from '../shared/driver.ts';
import type { Flags } from './options.ts';

/** What a VolumeSnapshotContent and a VolumeGroupSnapshotContent have in common. */
export interface AnyContent extends KubeObject {
  readonly spec: { readonly driver: string; readonly deletionPolicy: DeletionPolicy };
  readonly status?: { readonly readyToUse?: boolean; readonly error?: SnapshotError };
}

export interface AnyClass extends KubeObject {
  readonly driver: string;
  readonly parameters?: Readonly<Record<string, string>>;
}

export type Secrets = Readonly<Record<string, string>>;

export interface CreateRequest {
  /** The name by which the driver makes the snapshot once only. */
  readonly name: string;
  readonly parameters: Record<string, string>;
  readonly secrets: Record<string, string>;
}

/** The calls to the driver about one kind of snapshots. `Cut` is what it tells of one. */
export interface SnapshotCalls<Content, Cut> {
  create(content: Content, request: CreateRequest, signal: AbortSignal): Promise<Cut>;
  look(content: Content, secrets: Secrets, signal: AbortSignal): Promise<Cut>;
  delete(content: Content, secrets: Secrets, signal: AbortSignal): Promise<void>;
}

export interface CallParts {
  readonly csi: CsiClient;
  readonly driver: Driver;
  readonly clock: Clock;
  readonly timeoutMs: number;
}

/**
 * What is to be done about a content. `delete`: the driver's snapshot, then let go of the content; `release`: let go of
 * it alone; `create`: CreateSnapshot, again until it is ready; `look`: ask the driver how the snapshot is.
 * Source: syncContent and shouldDelete of external-snapshotter's sidecar.
 */
export type Task = 'delete' | 'release' | 'create' | 'look' | 'settle' | 'nothing';

/** Where the contents of single snapshots and those of groups differ: names, words, calls. The worker is the same. */
export interface ContentKind<Content extends AnyContent, Class extends AnyClass, Cut> {
  readonly contents: Resource<Content>;
  /** What the queue of them is called in metrics. */
  readonly queue: string;
  readonly classes: Resource<Class>;
  readonly finalizer: string;
  readonly annotations: {
    readonly beingCreated: string;
    readonly secretName: string;
    readonly secretNamespace: string;
  };
  /** How messages call the snapshot, and the content where they are short. */
  readonly noun: 'snapshot' | 'group snapshot';
  readonly contentNoun: string;
  /** What reasons of events begin with. */
  readonly reasonPrefix: '' | 'Group';
  /** What names of parameters, and templates of secrets, begin with. */
  readonly parameterPrefix: 'volumesnapshot' | 'volumegroupsnapshot';
  /** The secret of the calls that ask how a snapshot is. */
  readonly lookSecretPurpose: SnapshotSecretPurpose;
  taskFor(content: Stored<Content>): Task;
  /** Whether a change is more than what the sidecar itself writes: its own failures must not wake it. */
  isNews(content: Stored<Content>, previous: Stored<Content>): boolean;
  hasSource(content: Content): boolean;
  /** What messages say the snapshot is taken of. */
  sourceText(content: Content): string;
  snapshotRefOf(content: Content): ObjectReference;
  classNameOf(content: Content): string | undefined;
  /** Whether its look is with the secret that it was made with. */
  isLookedAtAsMade(content: Content): boolean;
  nameOf(uid: string, flags: Flags): string;
  calls(parts: CallParts): SnapshotCalls<Stored<Content>, Cut>;
  /** The status after the driver's answer; undefined when it says so already. */
  statusAfter(content: Content, cut: Cut, clock: Clock): Content['status'] | undefined;
  /** The status once the driver has deleted the snapshot. */
  statusWithout(status: NonNullable<Content['status']>): Content['status'];
}

/** What is noted on a content while its snapshot is on the way, in the one direction or the other. */
export interface Marks {
  readonly beingCreated: string;
  readonly beingDeleted: string;
}

/** Whether nobody needs a content any more, and no call that makes its snapshot may still be running. */
export function shouldGo(content: Stored<AnyContent>, wasNeverBound: boolean, marks: Marks): boolean {
  if (!isBeingDeleted(content)) return false;
  if (wasNeverBound) return true;
  if (annotation(content, marks.beingCreated) !== undefined) return false;
  return annotation(content, marks.beingDeleted) !== undefined;
}

/** Whether the content is for the snapshotter on this node; '' for one that does them all. */
export function isForNode({ metadata }: AnyContent, nodeName: string): boolean {
  return nodeName === '' || metadata?.labels?.[LABEL_SNAPSHOT_MANAGED_BY] === nodeName;
}

/** Whether the content is for this driver. Source: isDriverMatch. */
export function isForDriver<Content extends AnyContent>(
  kind: Pick<ContentKind<Content, AnyClass, unknown>, 'hasSource' | 'classNameOf'>,
  content: Content,
  driver: string,
  driverOfClass: (name: string) => string | undefined,
): boolean {
  if (!kind.hasSource(content) || content.spec.driver !== driver) return false;
  const className = kind.classNameOf(content);
  const ofClass = className === undefined ? undefined : driverOfClass(className);
  return ofClass === undefined || ofClass === driver;
}
