import { errorMessage, type Logger } from '../../base/index.ts';
import { isConflict, isNotFound, type KubeObject, type Stored } from '../../kube/index.ts';
import type { ResourceDefinition } from '../registry/contract.ts';
import { equal } from '../registry/validation/index.ts';
import { definitionsOf } from './definitions.ts';
import { CLEANUP_FINALIZER } from './deletion.ts';
import { condition, decideStatus, isEstablished, withCondition } from './names.ts';
import type { Crd, CrdStatus } from './types.ts';

type StoredCrd = Stored<Crd>;

/** What the definitions need of the server that serves what they define. */
export interface CustomResourcesHost {
  now(): number;
  readonly log: Logger;
  /** Every definition, as it is durable. */
  all(): Iterable<StoredCrd>;
  get(name: string): StoredCrd | undefined;
  /** Writes a definition's metadata and status. */
  write(name: string, build: (crd: StoredCrd) => Crd): Promise<unknown>;
  /** Whether a built-in kind has these names: it goes before. */
  isBuiltIn(group: string, plural: string): boolean;
  /** Takes the rows of the table that a definition stood for and puts others in their place. */
  replace(old: readonly ResourceDefinition[], next: readonly ResourceDefinition[]): void;
  /** Begins to delete every object of a kind. */
  deleteAll(definition: ResourceDefinition): Promise<void>;
  /** Resolves when no object of a kind is left. */
  empty(definition: ResourceDefinition): Promise<void>;
}

interface Served {
  readonly crd: StoredCrd;
  readonly definitions: readonly ResourceDefinition[];
  readonly removed: AbortController;
}

/** Keeps what is served equal to the CustomResourceDefinitions that are stored, and their status true. */
export class CustomResources {
  readonly #host: CustomResourcesHost;
  readonly #served = new Map<string, Served>();
  readonly #finalizing = new Set<string>();

  constructor(host: CustomResourcesHost) {
    this.#host = host;
  }

  /** Serves what the last run left. */
  async start(): Promise<void> {
    for (const { metadata } of [...this.#host.all()]) await this.sync(metadata.name);
  }

  /** A definition was written or removed. Resolves once what it says is served. */
  async sync(name: string): Promise<void> {
    const crd = this.#host.get(name);
    const before = this.#served.get(name)?.crd ?? crd;
    if (crd) await this.#updateStatus(crd);
    this.#serve(name);
    // Names that are free again may be what another has been waiting for.
    const changed =
      !crd || !equal(before?.status?.acceptedNames, this.#host.get(name)?.status?.acceptedNames);
    if (changed && before) await this.#reconsider(before.spec.group, name);
    if (crd?.metadata.deletionTimestamp && crd.metadata.finalizers?.includes(CLEANUP_FINALIZER))
      void this.#finalize(name).catch((error: unknown) =>
        this.#host.log.error('removing the objects of a CustomResourceDefinition failed', {
          definition: name,
          error: errorMessage(error),
        }),
      );
  }

  async #reconsider(group: string, except: string): Promise<void> {
    for (const other of [...this.#host.all()]) {
      const waits = condition(other, 'NamesAccepted')?.status === 'False';
      if (other.spec.group !== group || other.metadata.name === except || !waits) continue;
      await this.#updateStatus(other);
      this.#serve(other.metadata.name);
    }
  }

  async #updateStatus(crd: StoredCrd): Promise<void> {
    const decide = (now: StoredCrd): CrdStatus => decideStatus(now, this.#host.all(), this.#host.now());
    if (decide(crd) === crd.status) return;
    await this.#change(crd.metadata.name, (now) => ({ ...now, status: decide(now) }));
  }

  #serve(name: string): void {
    const crd = this.#host.get(name);
    const served = this.#served.get(name);
    const isServed = crd !== undefined && isEstablished(crd) && !this.#isHidden(crd);
    if (!isServed) {
      if (served) this.#stop(name, served);
      return;
    }
    if (served && !differs(served.crd, crd)) return;
    // A definition on its way out is still what it was: who watches sees its objects go.
    const isSame = served !== undefined && !differs(served.crd, crd, false);
    const removed = isSame ? served.removed : new AbortController();
    const definitions = definitionsOf(crd, removed.signal);
    this.#host.replace(served?.definitions ?? [], definitions);
    this.#served.set(name, { crd, definitions, removed });
    if (!isSame) served?.removed.abort();
  }

  #isHidden({ spec }: StoredCrd): boolean {
    return this.#host.isBuiltIn(spec.group, spec.names.plural);
  }

  #stop(name: string, { definitions, removed }: Served): void {
    this.#host.replace(definitions, []);
    this.#served.delete(name);
    removed.abort();
  }

  /** Removes every object, then lets the definition go (apiextensions-apiserver controller/finalizer). */
  async #finalize(name: string): Promise<void> {
    if (this.#finalizing.has(name)) return;
    this.#finalizing.add(name);
    try {
      const [definition] = this.#served.get(name)?.definitions ?? [];
      if (definition) {
        await this.#terminating(
          name,
          'True',
          'InstanceDeletionInProgress',
          'CustomResource deletion is in progress',
        );
        await this.#host.deleteAll(definition);
        await this.#host.empty(definition);
      }
      const [reason, message] = definition
        ? (['InstanceDeletionCompleted', 'removed all instances'] as const)
        : (['NeverEstablished', 'resource was never established'] as const);
      await this.#change(name, (crd) => {
        const finalizers = crd.metadata.finalizers?.filter((one) => one !== CLEANUP_FINALIZER);
        return {
          ...crd,
          metadata: { ...crd.metadata, finalizers },
          status: withCondition(
            crd.status ?? {},
            { type: 'Terminating', status: 'False', reason, message },
            this.#host.now(),
          ),
        };
      });
    } finally {
      this.#finalizing.delete(name);
    }
    await this.sync(name);
  }

  async #terminating(name: string, status: string, reason: string, message: string): Promise<void> {
    await this.#change(name, (crd) => ({
      ...crd,
      status: withCondition(
        crd.status ?? {},
        { type: 'Terminating', status, reason, message },
        this.#host.now(),
      ),
    }));
  }

  async #change(name: string, build: (crd: StoredCrd) => Crd): Promise<void> {
    try {
      await this.#host.write(name, build);
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
  }
}

/** Whether what is served of a definition changes. Parts of versions are shared, so the same is identical. */
function differs(before: StoredCrd, now: StoredCrd, countsDeletion = true): boolean {
  return (
    before.metadata.uid !== now.metadata.uid ||
    before.spec !== now.spec ||
    !equal(before.status?.acceptedNames, now.status?.acceptedNames) ||
    (countsDeletion && isGoing(before) !== isGoing(now))
  );
}

const isGoing = ({ metadata }: KubeObject): boolean => metadata?.deletionTimestamp !== undefined;
