import type { KubeObject, Resource, Stored, WatchEvent } from '../../kube/index.ts';
import type { Dice } from '../dice.ts';
import type { Faults } from '../faults.ts';
import type { Link } from '../host/link.ts';
import type { Journal } from '../journal.ts';
import type { SimProcess } from '../process.ts';

/** Made once: an abort without a reason makes an error of its own each time. */
const ENDED = new Error('the watch has ended');
const OVER = { done: true, value: undefined } as const;

export interface FaultyWatchOptions<T extends KubeObject> {
  readonly process: SimProcess;
  readonly link: Link;
  readonly dice: Dice;
  readonly faults: Faults;
  readonly journal: Journal;
  readonly resource: Resource<T>;
  /** The reader's. */
  readonly signal: AbortSignal | undefined;
  /** Typical milliseconds that an event takes. */
  readonly typicalMs: number;
  /** Asks the server; resolves to a signal that aborts when the server ends. */
  begin(): Promise<AbortSignal>;
  open(signal: AbortSignal): AsyncIterable<WatchEvent<Stored<T>>>;
}

/** A watch as one process sees it: slow to begin, late, broken off, as the seed has it. Nothing happens before it is read. */
export class FaultyWatch<T extends KubeObject>
  implements AsyncIterableIterator<WatchEvent<Stored<T>>, undefined>
{
  readonly #options: FaultyWatchOptions<T>;
  readonly #inner = new AbortController();
  #source: AsyncIterator<WatchEvent<Stored<T>>> | undefined;
  #server: AbortSignal | undefined;
  #closed = false;
  readonly #stop = () => this.#inner.abort(ENDED);
  readonly #forget: (() => void)[] = [];

  constructor(options: FaultyWatchOptions<T>) {
    this.#options = options;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<WatchEvent<Stored<T>>, undefined>> {
    if (this.#closed) return OVER;
    const { process, link, signal } = this.#options;
    try {
      if (!this.#source) {
        await this.#begin();
        if (signal?.aborted) return this.#close();
      }
      const { done, value } = await this.#source!.next();
      if (!done && !(await this.#carry())) return this.#close();
      if (!done && !link.cut) return { done: false, value };
      if (process.frozen) await process.awake();
      if (this.#server!.aborted) throw new Error('unexpected EOF: the API server has gone');
      if (link.cut) throw new Error('read tcp: connection timed out');
      return this.#close();
    } catch (error) {
      this.#close();
      throw error;
    }
  }

  async return(): Promise<IteratorResult<WatchEvent<Stored<T>>, undefined>> {
    return this.#close();
  }

  async #begin(): Promise<void> {
    const { process, link, signal, begin, open } = this.#options;
    this.#forget.push(process.onDeath(this.#stop), link.onCut(this.#stop));
    this.#stopWith(signal);
    this.#server = await begin();
    if (signal?.aborted) return;
    this.#stopWith(this.#server);
    this.#source = open(this.#inner.signal)[Symbol.asyncIterator]();
  }

  /** Brings an event over; false: the reader has ended, or the watch has without a word. */
  async #carry(): Promise<boolean> {
    const { process, faults, dice, journal, resource, signal, typicalMs } = this.#options;
    if (faults.strikes('watch-drop')) {
      journal.write(process.name, `watch ${resource.plural}: broken off`);
      if (faults.dice('watch-drop').chance(0.5)) return false;
      throw new Error('unexpected EOF');
    }
    if (faults.strikes('watch-delay'))
      await process.cross(faults.dice('watch-delay').between(10, 8_000), () => undefined);
    else if (dice.chance(0.3)) await process.cross(dice.delay(typicalMs), () => undefined);
    if (process.frozen) await process.awake();
    if (!process.alive) await new Promise<never>(() => {});
    return !signal?.aborted;
  }

  #stopWith(signal: AbortSignal | undefined): void {
    signal?.addEventListener('abort', this.#stop, { once: true });
    this.#forget.push(() => signal?.removeEventListener('abort', this.#stop));
  }

  #close(): typeof OVER {
    if (this.#closed) return OVER;
    this.#closed = true;
    this.#stop();
    for (const forget of this.#forget) forget();
    void this.#source?.return?.();
    return OVER;
  }
}
