import { errorMessage, rfc3339 } from '../../base/index.ts';
import {
  type ComponentContext,
  type EventRecorder,
  ignoreNotFound,
  type Lister,
} from '../../client/index.ts';
import { isFinalError } from '../../csi/index.ts';
import {
  ANN_SNAPSHOT_BEING_CREATED,
  ANN_SNAPSHOT_DELETION_SECRET_NAME,
  ANN_SNAPSHOT_DELETION_SECRET_NAMESPACE,
  annotation,
  FINALIZER_SNAPSHOT_CONTENT,
  hasFinalizer,
  type Stored,
  snapshotDriverParameters,
  snapshotSecret,
  type VolumeSnapshotClass,
  type VolumeSnapshotContent,
  type VolumeSnapshotContentStatus,
  volumeSnapshotClasses,
  volumeSnapshotContents,
} from '../../kube/index.ts';
import { credentialsOf } from '../shared/credentials.ts';
import { type CutSnapshot, contentStatus, withoutSnapshot } from './content-status.ts';
import { taskFor } from './decide.ts';
import { type Flags, snapshotName } from './options.ts';
import { quoted, type SnapshotCalls } from './snapshot-calls.ts';

type Content = Stored<VolumeSnapshotContent>;

interface Parts {
  readonly context: ComponentContext;
  readonly recorder: EventRecorder;
  readonly classes: Lister<Stored<VolumeSnapshotClass>>;
  readonly calls: SnapshotCalls;
  readonly flags: Flags;
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

/** What the snapshotter does for a VolumeSnapshotContent. Source: external-snapshotter, pkg/sidecar-controller. */
export class ContentWorker {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Resolves to whether the content is to be looked at again. */
  async sync(content: Content, signal: AbortSignal): Promise<boolean> {
    try {
      switch (taskFor(content)) {
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
        case 'nothing':
          return false;
      }
    } catch (error) {
      // Stopping is no failure of the content's.
      if (error instanceof Failure && !signal.aborted) await this.#tellFailure(content, error);
      throw error;
    }
  }

  /** Source: createSnapshotWrapper. */
  async #create(content: Content, signal: AbortSignal): Promise<Content> {
    // The first try and later ones are told apart, as upstream does.
    const [reason, what] = content.status
      ? ['SnapshotContentCheckandUpdateFailed', 'Failed to check and update snapshot content: ']
      : ['SnapshotCreationFailed', 'Failed to create snapshot: '];
    const fail = (message: string, cause: unknown) => new Failure(reason!, `${what}${message}`, { cause });
    const { name } = content.metadata;
    const { volumeHandle = '' } = content.spec.source;
    let secrets: Record<string, string>;
    let snapshotClass: VolumeSnapshotClass;
    try {
      snapshotClass = this.#classOf(content);
      secrets = await this.#credentials(content);
    } catch (error) {
      throw fail(
        `failed to get input parameters to create snapshot for content ${name}: ${quoted(error)}`,
        error,
      );
    }
    // Before the call: as long as nobody knows how it ends, the content must not go.
    let marked: Content;
    try {
      marked = await this.#markCreating(content, true);
    } catch (error) {
      throw fail(
        `failed to add VolumeSnapshotBeingCreated annotation on the content ${name}: ${quoted(error)}`,
        error,
      );
    }
    let parameters: Record<string, string>;
    try {
      parameters = this.#parameters(content, snapshotClass);
    } catch (error) {
      throw fail(`failed to remove CSI Parameters of prefixed keys: ${errorMessage(error)}`, error);
    }
    let cut: CutSnapshot;
    try {
      const { flags, calls } = this.#parts;
      const uid = content.spec.volumeSnapshotRef.uid;
      if (!uid) throw new Error(`cannot create snapshot. Snapshot content ${name} not bound to a snapshot`);
      cut = await calls.create(
        {
          name: snapshotName(flags.snapshotNamePrefix, uid, flags.snapshotNameUuidLength),
          sourceVolumeId: volumeHandle,
          parameters,
          secrets,
        },
        signal,
      );
    } catch (error) {
      if (isFinalError(error)) await this.#markCreating(marked, false);
      throw fail(`failed to take snapshot of the volume ${volumeHandle}: ${quoted(error)}`, error);
    }
    try {
      await this.#write(marked, cut);
    } catch (error) {
      const why = `error updating status for volume snapshot content ${name}: ${errorMessage(error)}`;
      throw fail(why, error);
    }
    return this.#markCreating(marked, false);
  }

  /** Source: checkandUpdateContentStatusOperation. */
  async #look(content: Content, signal: AbortSignal): Promise<Content> {
    const { name } = content.metadata;
    const fail = (message: string, cause: unknown) =>
      new Failure(
        'SnapshotContentCheckandUpdateFailed',
        `Failed to check and update snapshot content: ${message}`,
        { cause },
      );
    let secrets: Record<string, string>;
    try {
      secrets = await this.#listCredentials(content);
    } catch (error) {
      throw fail(errorMessage(error), error);
    }
    const handle = content.status?.snapshotHandle ?? content.spec.source.snapshotHandle ?? '';
    let cut: CutSnapshot;
    try {
      cut = await this.#parts.calls.look(handle, secrets, signal);
    } catch (error) {
      throw fail(`failed to list snapshot for content ${name}: ${quoted(error)}`, error);
    }
    return this.#write(content, { ...cut, snapshotHandle: handle });
  }

  /** Source: deleteCSISnapshotOperation. */
  async #delete(content: Content, signal: AbortSignal): Promise<Content> {
    const { name } = content.metadata;
    const failed = (message: string, error: unknown) => {
      if (!signal.aborted) this.#parts.recorder.event(content, 'Warning', 'SnapshotDeleteError', message);
      return new Error(`failed to delete snapshot ${JSON.stringify(name)}: ${errorMessage(error)}`, {
        cause: error,
      });
    };
    const secrets = await this.#credentials(content).catch((error) => {
      throw failed('Failed to get snapshot credentials', error);
    });
    try {
      await this.#parts.calls.delete(content.status?.snapshotHandle ?? '', secrets, signal);
    } catch (error) {
      throw failed('Failed to delete snapshot', error);
    }
    const { client } = this.#parts.context;
    try {
      const live = await client.get(volumeSnapshotContents, { name });
      const next = { ...live, status: live.status && withoutSnapshot(live.status) };
      return await client.update(volumeSnapshotContents, next, { subresource: 'status' });
    } catch (error) {
      throw failed('Failed to clear content status', error);
    }
  }

  /** Lets the content go. */
  async #release(content: Content): Promise<false> {
    if (!hasFinalizer(content, FINALIZER_SNAPSHOT_CONTENT)) return false;
    const { name, resourceVersion } = content.metadata;
    const finalizers = content.metadata.finalizers?.filter((one) => one !== FINALIZER_SNAPSHOT_CONTENT);
    const body = { metadata: { resourceVersion, finalizers } };
    await ignoreNotFound(
      this.#parts.context.client.patch(volumeSnapshotContents, { name }, { type: 'merge', body }),
    );
    return false;
  }

  /** Says, or says no more, that the driver may be making the snapshot. */
  async #markCreating(content: Content, isBeingCreated: boolean): Promise<Content> {
    if ((annotation(content, ANN_SNAPSHOT_BEING_CREATED) !== undefined) === isBeingCreated) return content;
    const { name } = content.metadata;
    const annotations = { [ANN_SNAPSHOT_BEING_CREATED]: isBeingCreated ? 'yes' : null };
    const body = { metadata: { annotations } };
    return this.#parts.context.client.patch(volumeSnapshotContents, { name }, { type: 'merge', body });
  }

  async #write({ metadata: { name } }: Content, cut: CutSnapshot): Promise<Content> {
    const { client } = this.#parts.context;
    const live = await client.get(volumeSnapshotContents, { name });
    const status = contentStatus(live.status, cut);
    if (!status) return live;
    return client.update(volumeSnapshotContents, { ...live, status }, { subresource: 'status' });
  }

  /** Source: updateContentErrorStatusWithEvent. */
  async #tellFailure(content: Content, { reason, message }: Failure): Promise<void> {
    if (content.status?.error?.message === message) return;
    const { context, recorder } = this.#parts;
    const { name } = content.metadata;
    const status: VolumeSnapshotContentStatus = {
      readyToUse: false,
      error: { time: rfc3339(context.clock.now()), message },
    };
    recorder.event(content, 'Warning', reason, message);
    await context.client
      .patch(volumeSnapshotContents, { name }, { type: 'merge', body: { status } }, { subresource: 'status' })
      .catch((error) =>
        context.log.debug('a failure could not be written', { content: name, error: errorMessage(error) }),
      );
  }

  #classOf(content: Content): Stored<VolumeSnapshotClass> {
    const name = content.spec.volumeSnapshotClassName;
    if (name === undefined)
      throw new Error(`failed to take snapshot ${content.metadata.name} without a snapshot class`);
    return this.#classNamed(name);
  }

  #classNamed(name: string): Stored<VolumeSnapshotClass> {
    const found = this.#parts.classes.get(name);
    if (found) return found;
    const { group } = volumeSnapshotClasses;
    throw new Error(`volumesnapshotclass.${group} ${JSON.stringify(name)} not found`);
  }

  #parameters(content: Content, snapshotClass: VolumeSnapshotClass): Record<string, string> {
    const { name, namespace } = content.spec.volumeSnapshotRef;
    return {
      ...snapshotDriverParameters(snapshotClass.parameters),
      ...(this.#parts.flags.extraCreateMetadata && {
        'csi.storage.k8s.io/volumesnapshot/name': name ?? '',
        'csi.storage.k8s.io/volumesnapshot/namespace': namespace ?? '',
        'csi.storage.k8s.io/volumesnapshotcontent/name': content.metadata.name,
      }),
    };
  }

  /** Source: GetCredentialsFromAnnotation. */
  async #credentials(content: Content): Promise<Record<string, string>> {
    const name = annotation(content, ANN_SNAPSHOT_DELETION_SECRET_NAME);
    const namespace = annotation(content, ANN_SNAPSHOT_DELETION_SECRET_NAMESPACE);
    if (name === undefined || namespace === undefined) return {};
    const of = JSON.stringify(content.metadata.name);
    if (name === '' || namespace === '') {
      throw new Error(
        `cannot retrieve secrets for snapshot content ${of}, err: secret name or namespace not specified`,
      );
    }
    return credentialsOf(this.#parts.context.client, { name, namespace }).catch((error) => {
      throw new Error(`cannot get credentials for snapshot content ${of}`, { cause: error });
    });
  }

  async #listCredentials(content: Content): Promise<Record<string, string>> {
    const { name } = content.metadata;
    if (content.status?.volumeGroupSnapshotHandle !== undefined) {
      return this.#credentials(content).catch((error) => {
        const why = errorMessage(error);
        throw new Error(`failed to get credentials from annotation for snapshot content ${name}: ${why}`);
      });
    }
    const className = content.spec.volumeSnapshotClassName;
    if (className === undefined) return {};
    const step = async <T>(what: string, work: () => Promise<T> | T): Promise<T> => {
      try {
        return await work();
      } catch (error) {
        throw new Error(`failed to get ${what} for snapshot content ${name}: ${errorMessage(error)}`, {
          cause: error,
        });
      }
    };
    const { parameters } = await step(`snapshot class ${className}`, () => this.#classNamed(className));
    const reference = await step('secret reference', () =>
      snapshotSecret('snapshotter-list', parameters, 'volumesnapshot', name, undefined),
    );
    return step('credentials', () => credentialsOf(this.#parts.context.client, reference));
  }
}
