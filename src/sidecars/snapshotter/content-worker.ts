import { errorMessage } from '../../base/index.ts';
import type { EventRecorder } from '../../client/index.ts';
import { isFinalError, rpcErrorText } from '../../csi/index.ts';
import { annotation, type Stored, snapshotDriverParameters } from '../../kube/index.ts';
import { Failure } from './content-failure.ts';
import type { AnyClass, AnyContent, ContentKind, SnapshotCalls } from './content-kind.ts';
import type { ContentObjects } from './content-objects.ts';
import type { Flags } from './options.ts';

interface Parts<Content extends AnyContent, Class extends AnyClass, Cut> {
  readonly kind: ContentKind<Content, Class, Cut>;
  readonly objects: ContentObjects<Content, Class, Cut>;
  readonly calls: SnapshotCalls<Stored<Content>, Cut>;
  readonly recorder: EventRecorder;
  readonly flags: Flags;
}

/**
 * What the snapshotter does for the content of a snapshot, or of a group of them.
 * Source: external-snapshotter, pkg/sidecar-controller.
 */
export class ContentWorker<Content extends AnyContent, Class extends AnyClass, Cut> {
  readonly #parts: Parts<Content, Class, Cut>;

  constructor(parts: Parts<Content, Class, Cut>) {
    this.#parts = parts;
  }

  /** Resolves to whether the content is to be looked at again. */
  async sync(cached: Stored<Content>, signal: AbortSignal): Promise<boolean> {
    const { kind, objects } = this.#parts;
    const content = await this.#current(cached);
    if (!content) return false;
    try {
      switch (kind.taskFor(content)) {
        case 'delete':
          await objects.release(await this.#delete(content, signal));
          return false;
        case 'release':
          await objects.release(content);
          return false;
        case 'settle':
          await objects.markCreating(content, false);
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
      if (error instanceof Failure && !signal.aborted) await objects.tellFailure(content, error);
      throw error;
    }
  }

  /**
   * What to go by; undefined when it is gone. A first try of a snapshot begins with a write, which fails where the cache is
   * late. A later one does not, so the server is asked: who has stood still would make a snapshot that belongs to nobody.
   */
  async #current(cached: Stored<Content>): Promise<Stored<Content> | undefined> {
    const { kind, objects } = this.#parts;
    const isLaterTry =
      kind.taskFor(cached) === 'create' && annotation(cached, kind.annotations.beingCreated) !== undefined;
    return isLaterTry ? objects.latest(cached) : cached;
  }

  /** Source: createSnapshotWrapper. */
  async #create(content: Stored<Content>, signal: AbortSignal): Promise<Stored<Content>> {
    const { kind, objects, calls } = this.#parts;
    const { noun, contentNoun } = kind;
    const { name } = content.metadata;
    // The first try and later ones are told apart, as upstream does.
    const first = { reason: `${kind.reasonPrefix}SnapshotCreationFailed`, what: `Failed to create ${noun}` };
    const { reason, what } = content.status ? this.#lookFailed : first;
    /** Does a step; its failure is the content's. */
    const step = async <T>(work: () => Promise<T> | T, why: (error: unknown) => string): Promise<T> => {
      try {
        return await work();
      } catch (cause) {
        throw new Failure(reason, `${what}: ${why(cause)}`, { cause });
      }
    };
    const { snapshotClass, secrets } = await step(
      async () => ({ snapshotClass: this.#classOf(content), secrets: await objects.credentials(content) }),
      (error) =>
        `failed to get input parameters to create ${noun} for ${contentNoun} ${name}: ${quoted(error)}`,
    );
    const mark = `${kind.classes.kind.replace('Class', '')}BeingCreated annotation on the ${contentNoun} ${name}`;
    // Before the call: as long as nobody knows how it ends, the content must not go.
    const marked = await step(
      () => objects.markCreating(content, true),
      (error) => `failed to add ${mark}: ${quoted(error)}`,
    );
    const parameters = await step(
      () => this.#parameters(content, snapshotClass),
      (error) => `failed to remove CSI Parameters of prefixed keys: ${errorMessage(error)}`,
    );
    const cut = await step(
      async () => {
        try {
          return await calls.create(
            marked,
            { name: this.#snapshotName(content), parameters, secrets },
            signal,
          );
        } catch (error) {
          if (isFinalError(error)) await objects.markCreating(marked, false);
          throw error;
        }
      },
      (error) => `failed to take ${noun} of the ${kind.sourceText(content)}: ${quoted(error)}`,
    );
    await step(
      () => objects.write(marked, cut),
      (error) => `error updating status for volume ${noun} content ${name}: ${errorMessage(error)}`,
    );
    return objects.markCreating(marked, false);
  }

  /** Source: checkandUpdateContentStatusOperation. */
  async #look(content: Stored<Content>, signal: AbortSignal): Promise<Stored<Content>> {
    const { kind, objects, calls } = this.#parts;
    const { reason, what } = this.#lookFailed;
    const fail = (why: string, cause: unknown) => new Failure(reason, `${what}: ${why}`, { cause });
    const secrets = await objects.lookCredentials(content).catch((error) => {
      throw fail(errorMessage(error), error);
    });
    const cut = await calls.look(content, secrets, signal).catch((error) => {
      const of = `${kind.contentNoun} ${content.metadata.name}`;
      throw fail(`failed to list ${kind.noun} for ${of}: ${quoted(error)}`, error);
    });
    return objects.write(content, cut);
  }

  /** Source: deleteCSISnapshotOperation. */
  async #delete(content: Stored<Content>, signal: AbortSignal): Promise<Stored<Content>> {
    const { kind, objects, calls, recorder } = this.#parts;
    const step = <T>(work: Promise<T>, message: string): Promise<T> =>
      work.catch((cause) => {
        if (!signal.aborted)
          recorder.event(content, 'Warning', `${kind.reasonPrefix}SnapshotDeleteError`, message);
        const of = `${kind.noun} ${JSON.stringify(content.metadata.name)}`;
        throw new Error(`failed to delete ${of}: ${errorMessage(cause)}`, { cause });
      });
    const secrets = await step(objects.credentials(content), 'Failed to get snapshot credentials');
    await step(calls.delete(content, secrets, signal), `Failed to delete ${kind.noun}`);
    return step(objects.clear(content), 'Failed to clear content status');
  }

  get #lookFailed() {
    const { reasonPrefix, noun } = this.#parts.kind;
    return {
      reason: `${reasonPrefix}SnapshotContentCheckandUpdateFailed`,
      what: `Failed to check and update ${noun} content`,
    };
  }

  #classOf(content: Stored<Content>): Stored<Class> {
    const { kind, objects } = this.#parts;
    const className = kind.classNameOf(content);
    if (className !== undefined) return objects.classNamed(className);
    throw new Error(`failed to take ${kind.noun} ${content.metadata.name} without a ${kind.noun} class`);
  }

  #snapshotName(content: Stored<Content>): string {
    const { kind, flags } = this.#parts;
    const { uid } = kind.snapshotRefOf(content);
    if (uid) return kind.nameOf(uid, flags);
    const title = kind.noun[0]!.toUpperCase() + kind.noun.slice(1);
    throw new Error(
      `cannot create ${kind.noun}. ${title} content ${content.metadata.name} not bound to a ${kind.noun}`,
    );
  }

  #parameters(content: Stored<Content>, { parameters }: Class): Record<string, string> {
    const { kind, flags } = this.#parts;
    const { name = '', namespace = '' } = kind.snapshotRefOf(content);
    const prefix = `csi.storage.k8s.io/${kind.parameterPrefix}`;
    return {
      ...snapshotDriverParameters(parameters),
      ...(flags.extraCreateMetadata && {
        [`${prefix}/name`]: name,
        [`${prefix}/namespace`]: namespace,
        [`${prefix}content/name`]: content.metadata.name,
      }),
    };
  }
}

/** An error of the driver as Go's %q puts it into a message. */
function quoted(error: unknown): string {
  return JSON.stringify(rpcErrorText(error));
}
