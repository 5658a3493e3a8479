import { ensureSnapshotCrds } from '../../apiserver/crd/snapshots/index.ts';
import { createLocalClient, createRegistry, openStore } from '../../apiserver/index.ts';
import { type Clock, silentLogger } from '../../base/index.ts';
import type { Client } from '../../client/index.ts';
import type { Dice } from '../dice.ts';
import { type DiskContent, SimDisk } from './engine.ts';

interface Life {
  readonly client: Client;
  /** Aborted when the server dies. */
  readonly ended: AbortController;
  /** Requests under way: what fails them. */
  readonly requests: Set<(error: Error) => void>;
}

/** The API server: the real registry, on a disk that outlives it. It can die and come back at any time. */
export class SimApi {
  readonly #clock: Clock;
  readonly #dice: Dice;
  readonly #disk: SimDisk;
  #life: Life | undefined;
  /** The last revision that a client was told of. */
  #acknowledged = 0;

  constructor(clock: Clock, dice: Dice, installed?: DiskContent) {
    this.#clock = clock;
    this.#dice = dice;
    this.#disk = new SimDisk(clock, dice, installed);
  }

  /** What the server's disk holds. */
  get content(): DiskContent {
    return this.#disk.content;
  }

  get up(): boolean {
    return this.#life !== undefined;
  }

  /** Aborts when the present life of the server ends. */
  get ended(): AbortSignal {
    return this.#living().ended.signal;
  }

  /** Straight to the server, without faults. Throws while it is down. */
  get client(): Client {
    return this.#living().client;
  }

  /** @throws Error when something that was acknowledged is gone. */
  async start(): Promise<void> {
    if (this.#disk.revision < this.#acknowledged)
      throw new Error(`revision ${this.#acknowledged} was acknowledged, and ${this.#disk.revision} is left`);
    const ended = new AbortController();
    const clock = this.#mortal(ended.signal);
    const store = await openStore({ engine: this.#disk.engine(ended.signal), clock });
    const registry = await createRegistry({ store, clock, random: this.#dice.random, log: silentLogger });
    // As `stowage up` does: sidecars of a driver that takes snapshots look at them.
    await ensureSnapshotCrds(registry);
    this.#life = { client: createLocalClient(registry), ended, requests: new Set() };
  }

  kill(): void {
    const life = this.#life;
    this.#life = undefined;
    life?.ended.abort();
    for (const fail of life?.requests ?? []) fail(new Error('socket hang up: the API server has gone'));
  }

  /** Does something at the server; fails when it is down or dies meanwhile, whether or not it was done. */
  async serve<T>(work: (client: Client) => Promise<T>): Promise<T> {
    const { client, requests } = this.#living();
    const answer = Promise.withResolvers<T>();
    requests.add(answer.reject);
    work(client).then(answer.resolve, answer.reject);
    const result = await answer.promise.finally(() => requests.delete(answer.reject));
    const version = (result as { metadata?: { resourceVersion?: string } } | undefined)?.metadata
      ?.resourceVersion;
    if (version !== undefined) this.#acknowledged = Math.max(this.#acknowledged, Number(version));
    return result;
  }

  #living(): Life {
    if (!this.#life) throw new Error('connect ECONNREFUSED: the API server is down');
    return this.#life;
  }

  #mortal(dead: AbortSignal): Clock {
    const clock = this.#clock;
    const live = (callback: () => void) => () => {
      if (!dead.aborted) callback();
    };
    return {
      now: () => clock.now(),
      monotonic: () => clock.monotonic(),
      after: (delayMs, callback) => clock.after(delayMs, live(callback)),
      soon: (callback) => clock.soon(live(callback)),
    };
  }
}
