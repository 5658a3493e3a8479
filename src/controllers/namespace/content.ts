import { errorMessage } from '../../base/index.ts';
import type { Client } from '../../client/index.ts';
import {
  isNotFound,
  isPodTerminal,
  type KubeObject,
  type Namespace,
  type Pod,
  pods,
  type Resource,
  StatusError,
  type Stored,
} from '../../kube/index.ts';
import type { Findings } from './conditions.ts';

/** How long finalizers are given before the next look, in seconds. */
const FINALIZER_ESTIMATE_SECONDS = 15;

export interface ContentOptions {
  readonly client: Client;
  /** The namespaced resources that the server has. */
  discover(): Promise<readonly Resource[]>;
  /** Wall time in milliseconds. */
  now(): number;
  readonly signal: AbortSignal;
}

export interface Outcome extends Findings {
  /** In how many seconds what is left may be gone; 0: nothing is left, or only what failed. */
  readonly estimateSeconds: number;
}

/**
 * Deletes what a namespace holds, as far as it can be deleted now: the pods first, alone, so that nothing they use goes
 * before them (OrderedNamespaceDeletion); then everything else. A resource that fails does not hold up the others.
 */
export async function deleteContent(namespace: Stored<Namespace>, options: ContentOptions): Promise<Outcome> {
  const pass = new Pass(namespace, options);
  const resources = await pass.discover();
  const withPods = resources.filter(isPods);
  for (const resource of withPods) await pass.empty(resource);
  if (pass.remaining.size > 0) return pass;
  for (const resource of resources) if (!isPods(resource)) await pass.empty(resource);
  return pass;
}

const isPods = ({ group, plural }: Resource) => group === pods.group && plural === pods.plural;

class Pass implements Outcome {
  readonly #namespace: Stored<Namespace>;
  readonly #options: ContentOptions;
  readonly remaining = new Map<Resource, number>();
  readonly finalizers = new Map<string, number>();
  readonly contentErrors: string[] = [];
  discoveryError: string | undefined;
  estimateSeconds = 0;

  constructor(namespace: Stored<Namespace>, options: ContentOptions) {
    this.#namespace = namespace;
    this.#options = options;
  }

  async discover(): Promise<readonly Resource[]> {
    try {
      return await this.#options.discover();
    } catch (error) {
      this.discoveryError = errorMessage(error);
      return [];
    }
  }

  async empty(resource: Resource): Promise<void> {
    try {
      await this.#empty(resource);
    } catch (error) {
      if (this.#options.signal.aborted) throw error;
      this.contentErrors.push(errorMessage(error));
    }
  }

  async #empty(resource: Resource): Promise<void> {
    const name = this.#namespace.metadata.name;
    const grace = isPods(resource) ? await this.#podGrace() : 0;
    this.estimateSeconds = Math.max(this.estimateSeconds, grace);
    await this.#deleteAll(resource);
    const left = await this.#list(resource);
    if (left.length === 0) return;
    this.remaining.set(resource, left.length);
    const held = left.flatMap(({ metadata }) => metadata.finalizers ?? []);
    for (const finalizer of held) this.finalizers.set(finalizer, (this.finalizers.get(finalizer) ?? 0) + 1);
    if (grace > 0) return;
    if (held.length > 0) {
      this.estimateSeconds = Math.max(this.estimateSeconds, FINALIZER_ESTIMATE_SECONDS);
      return;
    }
    const { group, version, plural } = resource;
    throw new Error(
      `unexpected items still remain in namespace: ${name} for gvr: ${group}/${version}, Resource=${plural}`,
    );
  }

  /** The longest grace of the running pods in seconds; 0 once it has passed since the namespace was deleted. */
  async #podGrace(): Promise<number> {
    const running = ((await this.#list(pods)) as readonly Stored<Pod>[]).filter((pod) => !isPodTerminal(pod));
    const longest = Math.max(0, ...running.map(({ spec }) => spec?.terminationGracePeriodSeconds ?? 0));
    const passedMs = this.#options.now() - Date.parse(this.#namespace.metadata.deletionTimestamp ?? '');
    return passedMs >= longest * 1000 ? 0 : longest;
  }

  async #deleteAll(resource: Resource): Promise<void> {
    const { client, signal } = this.#options;
    const namespace = this.#namespace.metadata.name;
    // The namespace goes only when it is empty: nothing needs to be orphaned.
    const options = { propagationPolicy: 'Background', signal } as const;
    try {
      await client.deleteCollection(resource, { namespace }, options);
    } catch (error) {
      if (!isUnsupported(error)) throw error;
      for (const { metadata } of await this.#list(resource)) {
        try {
          await client.delete(resource, { namespace, name: metadata.name }, options);
        } catch (failure) {
          if (!isUnsupported(failure)) throw failure;
        }
      }
    }
  }

  async #list(resource: Resource): Promise<readonly Stored<KubeObject>[]> {
    const { client, signal } = this.#options;
    try {
      return (await client.list(resource, { namespace: this.#namespace.metadata.name, signal })).items;
    } catch (error) {
      if (isUnsupported(error)) return [];
      throw error;
    }
  }
}

/** The server does not do this with the resource, or no longer has it. */
function isUnsupported(error: unknown): boolean {
  return isNotFound(error) || (error instanceof StatusError && error.code === 405);
}
