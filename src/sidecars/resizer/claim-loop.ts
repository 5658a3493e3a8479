import { rfc3339 } from '../../base/index.ts';
import {
  type ComponentContext,
  Controller,
  type Informer,
  type Patch,
  runControllers,
} from '../../client/index.ts';
import {
  keyOf,
  type PersistentVolume,
  type PersistentVolumeClaim,
  persistentVolumeClaims,
  persistentVolumes,
  type Stored,
  splitKey,
} from '../../kube/index.ts';
import { SlowRetry } from '../shared/slow-retry.ts';
import type { Flags } from './options.ts';

/** When to look again for what the caches have not heard yet. */
export const CACHE_LAG_MS = 100;

export type Claim = Stored<PersistentVolumeClaim>;
export type Volume = Stored<PersistentVolume>;

/** What is done about claims that have a volume. */
export interface ClaimWork {
  readonly name: string;
  /** What its queue is called in metrics. */
  readonly queue: string;
  /** Whether a change may call for work. */
  concerns(claim: Claim, previous: Claim): boolean;
  /** The claim is gone, and what is remembered of it must go, too. */
  forget(key: string, claim: Claim): void;
  /** Resolves to the milliseconds until another look, if there is to be one. */
  reconcile(key: string, claim: Claim, volume: Volume, signal: AbortSignal): Promise<number | undefined>;
}

/** What listens besides, and must be known before anything is decided. */
interface Others {
  readonly informers: Readonly<Record<string, { readonly synced: Promise<void> }>>;
  listen?(): readonly (() => void)[];
}

/** The loop in which both controllers of the resizer work: over claims and their volumes. */
export class ClaimLoop {
  readonly claims: Informer<PersistentVolumeClaim>;
  /** Claims that ask for what the driver has called impossible. */
  readonly slow: SlowRetry;
  readonly #context: ComponentContext;
  readonly #work: ClaimWork;
  readonly #volumes: Informer<PersistentVolume>;
  readonly #controller: Controller;

  constructor(context: ComponentContext, { workers, backoff }: Flags, work: ClaimWork) {
    const { informers, clock, log } = context;
    this.#context = context;
    this.#work = work;
    this.claims = informers.of(persistentVolumeClaims);
    this.#volumes = informers.of(persistentVolumes);
    this.slow = new SlowRetry(clock, backoff.maxMs);
    this.#controller = new Controller({
      name: work.name,
      clock,
      log,
      workers,
      backoff,
      observer: context.queues?.(work.queue),
      reconcile: (key, signal) => this.#reconcile(key, signal),
    });
  }

  enqueue(claim: Claim): void {
    this.#controller.enqueue(keyOf(claim));
  }

  /** Works until the signal aborts. */
  run(signal: AbortSignal, { informers, listen = () => [] }: Others): Promise<void> {
    const work = this.#work;
    return runControllers(signal, {
      informers: { claims: this.claims, volumes: this.#volumes, ...informers },
      listen: () => [
        ...listen(),
        this.claims.on({
          added: (claim) => this.enqueue(claim),
          updated: (claim, previous) => {
            if (work.concerns(claim, previous)) this.enqueue(claim);
          },
          deleted: (claim) => {
            const key = keyOf(claim);
            this.slow.delete(key);
            work.forget(key, claim);
          },
        }),
      ],
      loops: [this.#controller],
    });
  }

  patchStatus(claim: Claim, patch: Patch): Promise<Claim> {
    const name = splitKey(keyOf(claim));
    return this.#context.client.patch(persistentVolumeClaims, name, patch, { subresource: 'status' });
  }

  now(): string {
    return rfc3339(this.#context.clock.now());
  }

  async #reconcile(key: string, signal: AbortSignal): Promise<number | undefined> {
    const claim = this.claims.byKey(key);
    const name = claim?.spec?.volumeName;
    if (!claim || !name) return undefined;
    const volume = this.#volumes.get(name);
    if (!volume) {
      // The two caches are not at the same point: it will be there in a moment.
      if (claim.status?.phase === 'Bound') return CACHE_LAG_MS;
      throw new Error(`PV ${JSON.stringify(name)} bound to pvc ${JSON.stringify(key)} not found`);
    }
    return this.#work.reconcile(key, claim, volume, signal);
  }
}
