import assert from 'node:assert/strict';
import type { Random } from '../../src/base/index.ts';
import type { Client } from '../../src/client/index.ts';
import { type ConfigMap, configMaps, isExpired, type Stored, type WatchEvent } from '../../src/kube/index.ts';
import type { Found } from './ledger.ts';
import { foundIn, NAMESPACE } from './payload.ts';

const ONLY = { namespace: NAMESPACE };

/**
 * Lists, watches, breaks off at random moments, resumes where it was, and lists anew only when it is told that its
 * version is too old. What it has seen must be every change, once, in order.
 */
export class Watcher {
  readonly #random: Random;
  readonly #view = new Map<string, Found>();
  readonly #seen = new Set<number>();
  /** Revisions (from, to] that lie before a list: their changes were never promised. */
  readonly #skipped: { readonly from: number; readonly to: number }[] = [];
  #revision = 0;
  #listed = false;
  resumes = 0;
  lists = 0;
  #reached: { readonly revision: number; readonly resolve: () => void } | undefined;

  constructor(random: Random) {
    this.#random = random;
  }

  get view(): readonly Found[] {
    return [...this.#view.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Resolves once a change of this revision or a later one was seen. */
  reach(revision: number): Promise<void> {
    return new Promise((resolve) => {
      this.#reached = { revision, resolve };
      this.#tell();
    });
  }

  /** Watches until the server is gone or the signal aborts. */
  async watchUntilGone(client: Client, signal: AbortSignal): Promise<void> {
    try {
      while (!signal.aborted) {
        if (!this.#listed) await this.#list(client);
        try {
          await this.#stretch(client, signal);
        } catch (error) {
          if (!isExpired(error)) throw error;
          this.#listed = false;
        }
      }
    } catch (error) {
      if ((error as Error).name === 'AssertionError') throw error;
    }
  }

  /** @throws AssertionError when one of the revisions was neither seen nor skipped by a list. */
  assertSaw(revisions: readonly number[]): void {
    for (const revision of revisions) {
      if (this.#seen.has(revision)) continue;
      const excused = this.#skipped.some(({ from, to }) => from < revision && revision <= to);
      assert.ok(excused, `the change of revision ${revision} was missed`);
    }
  }

  async #list(client: Client): Promise<void> {
    const list = await client.list(configMaps, ONLY);
    const revision = Number(list.metadata.resourceVersion);
    assert.ok(revision >= this.#revision, `a list of ${revision} after changes of ${this.#revision}`);
    this.#skipped.push({ from: this.#revision, to: revision });
    this.#view.clear();
    for (const item of list.items) this.#view.set(item.metadata.name, foundIn(item));
    this.#revision = revision;
    this.#listed = true;
    this.lists++;
    this.#tell();
  }

  /** One watch: from where it was, for some changes. */
  async #stretch(client: Client, signal: AbortSignal): Promise<void> {
    let left = 1 + Math.floor(this.#random.next() * 200);
    const options = { ...ONLY, resourceVersion: String(this.#revision), signal };
    let resumed = false;
    for await (const event of client.watch(configMaps, options)) {
      this.#take(event);
      if (!resumed) this.resumes++;
      resumed = true;
      if (--left === 0) return;
    }
  }

  #take({ type, object }: WatchEvent<Stored<ConfigMap>>): void {
    const found = foundIn(object);
    const { name, revision } = found;
    assert.ok(revision > this.#revision, `${type} ${name}: ${revision} came after ${this.#revision}`);
    const there = this.#view.has(name);
    assert.equal(there, type !== 'ADDED', `${type} ${name} at ${revision}`);
    if (type === 'DELETED') this.#view.delete(name);
    else this.#view.set(name, found);
    this.#revision = revision;
    this.#seen.add(revision);
    this.#tell();
  }

  #tell(): void {
    if (this.#reached === undefined || this.#revision < this.#reached.revision) return;
    this.#reached.resolve();
    this.#reached = undefined;
  }
}
