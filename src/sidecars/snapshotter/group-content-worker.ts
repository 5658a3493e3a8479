import { type Clock, errorMessage, rfc3339 } from '../../base/index.ts';
import {
  type ComponentContext,
  type EventRecorder,
  ignoreNotFound,
  type Lister,
} from '../../client/index.ts';
import { type CsiClient, type csi, isFinalError } from '../../csi/index.ts';
import {
  ANN_GROUP_SNAPSHOT_BEING_CREATED,
  ANN_GROUP_SNAPSHOT_BEING_DELETED,
  ANN_GROUP_SNAPSHOT_SECRET_NAME,
  ANN_GROUP_SNAPSHOT_SECRET_NAMESPACE,
  annotation,
  FINALIZER_GROUP_SNAPSHOT_CONTENT,
  hasFinalizer,
  isBeingDeleted,
  type Stored,
  snapshotDriverParameters,
  snapshotSecret,
  type VolumeGroupSnapshotClass,
  type VolumeGroupSnapshotContent,
  type VolumeGroupSnapshotContentStatus,
  volumeGroupSnapshotClasses,
  volumeGroupSnapshotContents,
} from '../../kube/index.ts';
import { credentialsOf } from '../shared/credentials.ts';
import { type Flags, snapshotName } from './options.ts';
import { cutSnapshot, quoted } from './snapshot-calls.ts';

type Content = Stored<VolumeGroupSnapshotContent>;

interface Parts {
  readonly context: ComponentContext;
  readonly csi: CsiClient;
  readonly recorder: EventRecorder;
  readonly classes: Lister<Stored<VolumeGroupSnapshotClass>>;
  readonly flags: Flags;
}

/** As for one snapshot, see taskFor. Source: syncGroupSnapshotContent of external-snapshotter's sidecar. */
export type GroupTask = 'delete' | 'release' | 'create' | 'look' | 'settle';

export function groupTaskFor(content: Content): GroupTask {
  const { spec, status } = content;
  if (shouldGo(content)) {
    const isThere = status?.volumeGroupSnapshotHandle !== undefined;
    return spec.deletionPolicy === 'Delete' && isThere ? 'delete' : 'release';
  }
  if (status?.readyToUse === true) return 'settle';
  return spec.source.groupSnapshotHandles === undefined ? 'create' : 'look';
}

function shouldGo(content: Content): boolean {
  if (!isBeingDeleted(content)) return false;
  const { source, volumeGroupSnapshotRef } = content.spec;
  if (source.groupSnapshotHandles !== undefined && !volumeGroupSnapshotRef.uid) return true;
  if (annotation(content, ANN_GROUP_SNAPSHOT_BEING_CREATED) !== undefined) return false;
  return annotation(content, ANN_GROUP_SNAPSHOT_BEING_DELETED) !== undefined;
}

/** Whether the content is for this driver. Source: isDriverMatch. */
export function isGroupForDriver(
  { spec }: Content,
  driver: string,
  driverOfClass: (name: string) => string | undefined,
): boolean {
  const { source, volumeGroupSnapshotClassName: className } = spec;
  if (source.groupSnapshotHandles === undefined && (source.volumeHandles ?? []).length === 0) return false;
  if (spec.driver !== driver) return false;
  const ofClass = className === undefined ? undefined : driverOfClass(className);
  return ofClass === undefined || ofClass === driver;
}

/** Whether a change is more than the sidecar's own: its failures must not wake it. */
export function isGroupNews(content: Content, previous: Content): boolean {
  const of = ({ metadata, spec, status }: Content) => {
    const { [ANN_GROUP_SNAPSHOT_BEING_CREATED]: _, ...others } = metadata.annotations ?? {};
    const { deletionTimestamp } = metadata;
    return JSON.stringify([
      Object.entries(others).sort(),
      deletionTimestamp,
      spec,
      status?.readyToUse === true,
      status?.volumeGroupSnapshotHandle,
    ]);
  };
  return of(content) !== of(previous);
}

/** The driver did not say yes: the content's status tells why, and the content is tried again. */
class Failure extends Error {
  override name = 'Failure';
  readonly reason: string;

  constructor(reason: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

/** What the snapshotter does for a VolumeGroupSnapshotContent. Source: groupsnapshot_helper.go of the sidecar. */
export class GroupContentWorker {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Resolves to whether the content is to be looked at again. */
  async sync(content: Content, signal: AbortSignal): Promise<boolean> {
    try {
      switch (groupTaskFor(content)) {
        case 'delete':
          return await this.#release(await this.#delete(content, signal));
        case 'release':
          return await this.#release(content);
        case 'settle':
          await this.#markCreating(content, false);
          return false;
        case 'create':
          return !(await this.#create(content, signal)).status?.readyToUse;
        case 'look':
          return !(await this.#look(content, signal)).status?.readyToUse;
      }
    } catch (error) {
      if (error instanceof Failure && !signal.aborted) await this.#tellFailure(content, error);
      throw error;
    }
  }

  /** Source: createGroupSnapshotWrapper. */
  async #create(content: Content, signal: AbortSignal): Promise<Content> {
    const [reason = '', what] = content.status
      ? ['GroupSnapshotContentCheckandUpdateFailed', 'Failed to check and update group snapshot content: ']
      : ['GroupSnapshotCreationFailed', 'Failed to create group snapshot: '];
    const fail = (message: string, cause: unknown) => new Failure(reason, `${what}${message}`, { cause });
    const { name } = content.metadata;
    const { source, volumeGroupSnapshotRef, volumeGroupSnapshotClassName } = content.spec;
    const { csi: client, flags } = this.#parts;
    let groupClass: VolumeGroupSnapshotClass;
    let secrets: Record<string, string>;
    try {
      if (volumeGroupSnapshotClassName === undefined)
        throw new Error(`failed to take group snapshot ${name} without a group snapshot class`);
      groupClass = this.#classNamed(volumeGroupSnapshotClassName);
      secrets = await this.#credentials(content);
    } catch (error) {
      throw fail(
        `failed to get input parameters to create group snapshot for group snapshot content ${name}: ${quoted(error)}`,
        error,
      );
    }
    const marked = await this.#markCreating(content, true);
    let parameters: Record<string, string>;
    try {
      parameters = this.#parameters(content, groupClass);
    } catch (error) {
      throw fail(`failed to remove CSI Parameters of prefixed keys: ${errorMessage(error)}`, error);
    }
    const sourceVolumeIds = [...(source.volumeHandles ?? [])];
    let group: csi.VolumeGroupSnapshot | undefined;
    try {
      const { uid } = volumeGroupSnapshotRef;
      if (!uid)
        throw new Error(
          `cannot create group snapshot. Group snapshot content ${name} not bound to a group snapshot`,
        );
      const request = {
        name: snapshotName(flags.groupSnapshotNamePrefix, uid, flags.groupSnapshotNameUuidLength),
        sourceVolumeIds,
        parameters,
        secrets,
      };
      const answer = await client.groupController.createVolumeGroupSnapshot(request, this.#options(signal));
      group = answer.groupSnapshot;
      if (!group) throw new Error('CreateVolumeGroupSnapshot answered without a group snapshot');
    } catch (error) {
      if (isFinalError(error)) await this.#markCreating(marked, false);
      throw fail(
        `failed to take group snapshot of the volumes [${sourceVolumeIds.join(' ')}]: ${quoted(error)}`,
        error,
      );
    }
    await this.#write(marked, group);
    return this.#markCreating(marked, false);
  }

  /** Source: checkandUpdateGroupSnapshotContentStatusOperation. */
  async #look(content: Content, signal: AbortSignal): Promise<Content> {
    const { name } = content.metadata;
    const { groupSnapshotHandles } = content.spec.source;
    try {
      const secrets = await this.#getCredentials(content);
      const { groupSnapshot } = await this.#parts.csi.groupController.getVolumeGroupSnapshot(
        {
          groupSnapshotId: groupSnapshotHandles!.volumeGroupSnapshotHandle,
          snapshotIds: [...groupSnapshotHandles!.volumeSnapshotHandles],
          secrets,
        },
        this.#options(signal),
      );
      if (!groupSnapshot) throw new Error('GetVolumeGroupSnapshot answered without a group snapshot');
      // Snapshots of a group that is brought back are brought back one by one.
      return await this.#write(content, { ...groupSnapshot, snapshots: [] });
    } catch (error) {
      const why = `failed to list group snapshot for group snapshot content ${name}: ${quoted(error)}`;
      throw new Failure(
        'GroupSnapshotContentCheckandUpdateFailed',
        `Failed to check and update group snapshot content: ${why}`,
        { cause: error },
      );
    }
  }

  /** Source: deleteCSIGroupSnapshotOperation. */
  async #delete(content: Content, signal: AbortSignal): Promise<Content> {
    const { context, recorder, csi: driver } = this.#parts;
    const { name } = content.metadata;
    const { status, spec } = content;
    const failed = (message: string, error: unknown) => {
      if (!signal.aborted) recorder.event(content, 'Warning', 'GroupSnapshotDeleteError', message);
      return new Error(`failed to delete group snapshot ${JSON.stringify(name)}: ${errorMessage(error)}`, {
        cause: error,
      });
    };
    const secrets = await this.#credentials(content).catch((error) => {
      throw failed('Failed to get snapshot credentials', error);
    });
    const known = (status?.volumeSnapshotInfoList ?? []).flatMap(
      ({ snapshotHandle }) => snapshotHandle ?? [],
    );
    const given = spec.source.groupSnapshotHandles?.volumeSnapshotHandles ?? [];
    try {
      await driver.groupController.deleteVolumeGroupSnapshot(
        {
          groupSnapshotId: status?.volumeGroupSnapshotHandle ?? '',
          snapshotIds: [...(known.length > 0 ? known : given)],
          secrets,
        },
        this.#options(signal),
      );
    } catch (error) {
      throw failed('Failed to delete group snapshot', error);
    }
    return (await ignoreNotFound(context.client.get(volumeGroupSnapshotContents, { name }))) ?? content;
  }

  async #release(content: Content): Promise<false> {
    if (!hasFinalizer(content, FINALIZER_GROUP_SNAPSHOT_CONTENT)) return false;
    const { name, resourceVersion, finalizers = [] } = content.metadata;
    const kept = finalizers.filter((one) => one !== FINALIZER_GROUP_SNAPSHOT_CONTENT);
    const body = { metadata: { resourceVersion, finalizers: kept } };
    await ignoreNotFound(
      this.#parts.context.client.patch(volumeGroupSnapshotContents, { name }, { type: 'merge', body }),
    );
    return false;
  }

  async #markCreating(content: Content, isBeingCreated: boolean): Promise<Content> {
    const isMarked = annotation(content, ANN_GROUP_SNAPSHOT_BEING_CREATED) !== undefined;
    if (isMarked === isBeingCreated) return content;
    const { name } = content.metadata;
    const annotations = { [ANN_GROUP_SNAPSHOT_BEING_CREATED]: isBeingCreated ? 'yes' : null };
    const body = { metadata: { annotations } };
    return this.#parts.context.client.patch(volumeGroupSnapshotContents, { name }, { type: 'merge', body });
  }

  /** Source: updateGroupSnapshotContentStatus. */
  async #write({ metadata: { name } }: Content, group: GroupAnswer): Promise<Content> {
    const { client, clock } = this.#parts.context;
    const live = await client.get(volumeGroupSnapshotContents, { name });
    const status = groupContentStatus(live.status, group, clock);
    return client.update(volumeGroupSnapshotContents, { ...live, status }, { subresource: 'status' });
  }

  async #tellFailure(content: Content, { reason, message }: Failure): Promise<void> {
    if (content.status?.error?.message === message) return;
    const { context, recorder } = this.#parts;
    const { name } = content.metadata;
    recorder.event(content, 'Warning', reason, message);
    const error = { time: rfc3339(context.clock.now()), message };
    const body = { status: { readyToUse: false, error } };
    await context.client
      .patch(volumeGroupSnapshotContents, { name }, { type: 'merge', body }, { subresource: 'status' })
      .catch((failure) =>
        context.log.debug('a failure could not be written', { content: name, error: errorMessage(failure) }),
      );
  }

  #classNamed(name: string): Stored<VolumeGroupSnapshotClass> {
    const found = this.#parts.classes.get(name);
    if (found) return found;
    const { group } = volumeGroupSnapshotClasses;
    throw new Error(`volumegroupsnapshotclass.${group} ${JSON.stringify(name)} not found`);
  }

  #parameters(content: Content, groupClass: VolumeGroupSnapshotClass): Record<string, string> {
    const { name, namespace } = content.spec.volumeGroupSnapshotRef;
    return {
      ...snapshotDriverParameters(groupClass.parameters),
      ...(this.#parts.flags.extraCreateMetadata && {
        'csi.storage.k8s.io/volumegroupsnapshot/name': name ?? '',
        'csi.storage.k8s.io/volumegroupsnapshot/namespace': namespace ?? '',
        'csi.storage.k8s.io/volumegroupsnapshotcontent/name': content.metadata.name,
      }),
    };
  }

  /** Source: GetCredentialsFromAnnotationForGroupSnapshot. */
  async #credentials(content: Content): Promise<Record<string, string>> {
    const name = annotation(content, ANN_GROUP_SNAPSHOT_SECRET_NAME);
    const namespace = annotation(content, ANN_GROUP_SNAPSHOT_SECRET_NAMESPACE);
    if (name === undefined || namespace === undefined) return {};
    const of = JSON.stringify(content.metadata.name);
    if (name === '' || namespace === '') {
      throw new Error(
        `cannot retrieve secrets for group snapshot content ${of}, err: secret name or namespace not specified`,
      );
    }
    return credentialsOf(this.#parts.context.client, { name, namespace }).catch((error) => {
      throw new Error(`cannot get credentials for group snapshot content ${of}`, { cause: error });
    });
  }

  async #getCredentials(content: Content): Promise<Record<string, string>> {
    const className = content.spec.volumeGroupSnapshotClassName;
    if (className === undefined) return {};
    const { parameters } = this.#classNamed(className);
    const { name } = content.metadata;
    const reference = snapshotSecret(
      'group-snapshotter-get',
      parameters,
      'volumegroupsnapshot',
      name,
      undefined,
    );
    return credentialsOf(this.#parts.context.client, reference);
  }

  #options(signal: AbortSignal) {
    return { timeoutMs: this.#parts.flags.timeoutMs, signal };
  }
}

type GroupAnswer = Pick<
  csi.VolumeGroupSnapshot,
  'groupSnapshotId' | 'readyToUse' | 'creationTime' | 'snapshots'
>;

/** The status of a content after the driver's answer. What was told once stays, but for an error that was overcome. */
export function groupContentStatus(
  own: VolumeGroupSnapshotContentStatus | undefined,
  { groupSnapshotId, readyToUse, creationTime, snapshots }: GroupAnswer,
  clock: Clock,
): VolumeGroupSnapshotContentStatus {
  const infos = snapshots.map((snapshot) => {
    const { snapshotHandle, sizeBytes, ...cut } = cutSnapshot(snapshot, clock);
    return {
      volumeHandle: snapshot.sourceVolumeId,
      snapshotHandle,
      creationTime: cut.creationTime,
      readyToUse: cut.readyToUse,
      ...(sizeBytes > 0 && { restoreSize: sizeBytes }),
    };
  });
  const known = own?.volumeSnapshotInfoList ?? [];
  const atMs = creationTime ? Number(creationTime.seconds) * 1000 : clock.now();
  return {
    volumeGroupSnapshotHandle: own?.volumeGroupSnapshotHandle ?? groupSnapshotId,
    creationTime: own?.creationTime ?? rfc3339(atMs),
    readyToUse,
    volumeSnapshotInfoList: known.length > 0 ? known : infos,
    ...(!readyToUse && own?.error && { error: own.error }),
  };
}
