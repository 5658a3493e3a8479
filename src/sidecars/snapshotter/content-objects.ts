import { errorMessage, rfc3339 } from '../../base/index.ts';
import {
  type ComponentContext,
  type EventRecorder,
  ignoreNotFound,
  type Lister,
} from '../../client/index.ts';
import { annotation, hasFinalizer, type Stored, snapshotSecret } from '../../kube/index.ts';
import { credentialsOf } from '../shared/credentials.ts';
import type { Failure } from './content-failure.ts';
import type { AnyClass, AnyContent, ContentKind } from './content-kind.ts';

export interface ContentObjectsOptions<Content extends AnyContent, Class extends AnyClass, Cut> {
  readonly kind: ContentKind<Content, Class, Cut>;
  readonly context: ComponentContext;
  readonly recorder: EventRecorder;
  readonly classes: Lister<Stored<Class>>;
}

/** What the snapshotter reads and writes of contents, their classes and secrets, through the API. */
export class ContentObjects<Content extends AnyContent, Class extends AnyClass, Cut> {
  readonly #options: ContentObjectsOptions<Content, Class, Cut>;

  constructor(options: ContentObjectsOptions<Content, Class, Cut>) {
    this.#options = options;
  }

  /** Lets the content go. */
  async release(content: Stored<Content>): Promise<void> {
    const { kind, context } = this.#options;
    if (!hasFinalizer(content, kind.finalizer)) return;
    const { name, resourceVersion } = content.metadata;
    const finalizers = content.metadata.finalizers?.filter((one) => one !== kind.finalizer);
    const body = { metadata: { resourceVersion, finalizers } };
    await ignoreNotFound(context.client.patch(kind.contents, { name }, { type: 'merge', body }));
  }

  /** Says, or says no more, that the driver may be making the snapshot. */
  async markCreating(content: Stored<Content>, isBeingCreated: boolean): Promise<Stored<Content>> {
    const { kind, context } = this.#options;
    const { beingCreated } = kind.annotations;
    if ((annotation(content, beingCreated) !== undefined) === isBeingCreated) return content;
    const { name } = content.metadata;
    const body = { metadata: { annotations: { [beingCreated]: isBeingCreated ? 'yes' : null } } };
    return context.client.patch(kind.contents, { name }, { type: 'merge', body });
  }

  /** The content as the server has it; undefined when that is gone. */
  async latest({ metadata: { name, uid } }: Stored<Content>): Promise<Stored<Content> | undefined> {
    const { kind, context } = this.#options;
    const found = await ignoreNotFound(context.client.get(kind.contents, { name }));
    return found?.metadata.uid === uid ? found : undefined;
  }

  /** Writes what the driver has told. */
  async write({ metadata: { name } }: Stored<Content>, cut: Cut): Promise<Stored<Content>> {
    const { kind, context } = this.#options;
    const live = await context.client.get(kind.contents, { name });
    const status = kind.statusAfter(live, cut, context.clock);
    if (!status) return live;
    return context.client.update(kind.contents, { ...live, status }, { subresource: 'status' });
  }

  /** Writes that the driver has the snapshot no more. */
  async clear({ metadata: { name } }: Stored<Content>): Promise<Stored<Content>> {
    const { kind, context } = this.#options;
    const live = await context.client.get(kind.contents, { name });
    const next = { ...live, status: live.status && kind.statusWithout(live.status) };
    return context.client.update(kind.contents, next, { subresource: 'status' });
  }

  /** Source: updateContentErrorStatusWithEvent. */
  async tellFailure(content: Stored<Content>, { reason, message }: Failure): Promise<void> {
    if (content.status?.error?.message === message) return;
    const { kind, context, recorder } = this.#options;
    const { name } = content.metadata;
    recorder.event(content, 'Warning', reason, message);
    const error = { time: rfc3339(context.clock.now()), message };
    const body = { status: { readyToUse: false, error } };
    await context.client
      .patch(kind.contents, { name }, { type: 'merge', body }, { subresource: 'status' })
      .catch((failure) =>
        context.log.debug('a failure could not be written', { content: name, error: errorMessage(failure) }),
      );
  }

  classNamed(name: string): Stored<Class> {
    const { kind, classes } = this.#options;
    const found = classes.get(name);
    if (found) return found;
    const { group, singular } = kind.classes;
    throw new Error(`${singular}.${group} ${JSON.stringify(name)} not found`);
  }

  /** What the snapshot is made and deleted with. Source: GetCredentialsFromAnnotation. */
  async credentials(content: Stored<Content>): Promise<Record<string, string>> {
    const { kind, context } = this.#options;
    const name = annotation(content, kind.annotations.secretName);
    const namespace = annotation(content, kind.annotations.secretNamespace);
    if (name === undefined || namespace === undefined) return {};
    const of = `${kind.noun} content ${JSON.stringify(content.metadata.name)}`;
    if (name === '' || namespace === '')
      throw new Error(`cannot retrieve secrets for ${of}, err: secret name or namespace not specified`);
    return credentialsOf(context.client, { name, namespace }).catch((cause) => {
      throw new Error(`cannot get credentials for ${of}`, { cause });
    });
  }

  /** What the driver is asked about the snapshot with. */
  async lookCredentials(content: Stored<Content>): Promise<Record<string, string>> {
    const { kind, context } = this.#options;
    const { name } = content.metadata;
    const step = async <T>(what: string, work: () => Promise<T> | T): Promise<T> => {
      try {
        return await work();
      } catch (cause) {
        const why = `failed to get ${what} for ${kind.noun} content ${name}: ${errorMessage(cause)}`;
        throw new Error(why, { cause });
      }
    };
    if (kind.isLookedAtAsMade(content))
      return step('credentials from annotation', () => this.credentials(content));
    const className = kind.classNameOf(content);
    if (className === undefined) return {};
    const { parameters } = await step(`${kind.noun} class ${className}`, () => this.classNamed(className));
    const reference = await step('secret reference', () =>
      snapshotSecret(kind.lookSecretPurpose, parameters, kind.parameterPrefix, name, undefined),
    );
    return step('credentials', () => credentialsOf(context.client, reference));
  }
}
