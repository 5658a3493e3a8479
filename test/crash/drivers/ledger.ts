import assert from 'node:assert/strict';
import type { CsiClient } from '../../../src/csi/index.ts';

/** A volume, as its caller can see it. */
export interface Volume {
  readonly kind: 'volume';
  readonly sizeBytes: bigint;
  /** What was written into it. */
  readonly stamp: string;
  readonly isPublished: boolean;
}

export interface Snapshot {
  readonly kind: 'snapshot';
  readonly sourceVolumeId: string;
  readonly sizeBytes: bigint;
  readonly stamp: string;
}

export type Thing = Volume | Snapshot;
/** By its id. */
export type Found = ReadonlyMap<string, Thing>;
type Call = (client: CsiClient) => Promise<unknown>;

interface Account {
  /** As the last answer leaves it; undefined: not there. */
  known: Thing | undefined;
  /** As a call whose answer never came would leave it. */
  unanswered?: { readonly outcome: Thing | undefined; readonly call: Call };
}

/**
 * What one has a right to find when a driver is back: of each volume and snapshot what the last answer said, or what the one
 * call would have done that was not answered. Each has one caller, so there is no more than one.
 */
export class Ledger {
  readonly #accounts = new Map<string, Account>();
  #answers = 0;
  #unanswered = 0;
  #goal: { readonly answers: number; readonly resolve: () => void } | undefined;

  get answers(): number {
    return this.#answers;
  }

  /** Calls that a kill has cut short, over all lives. */
  get unanswered(): number {
    return this.#unanswered;
  }

  known(name: string): Thing | undefined {
    return this.#accounts.get(name)?.known;
  }

  /** Everything that there is. */
  get names(): readonly string[] {
    return [...this.#accounts].filter(([, { known }]) => known !== undefined).map(([name]) => name);
  }

  /** Resolves once the call is answered with success. */
  async ask(name: string, outcome: Thing | undefined, client: CsiClient, call: Call): Promise<void> {
    const account = this.#account(name);
    assert.equal(account.unanswered, undefined, `${name} has one caller`);
    account.unanswered = { outcome, call };
    await call(client);
    account.known = outcome;
    account.unanswered = undefined;
    this.#answers++;
    if (this.#goal && this.#answers >= this.#goal.answers) this.#goal.resolve();
  }

  /** Calls again what was not answered, as callers do. */
  async askAgain(client: CsiClient): Promise<void> {
    for (const account of this.#accounts.values()) {
      if (!account.unanswered) continue;
      await account.unanswered.call(client);
      account.known = account.unanswered.outcome;
      account.unanswered = undefined;
      this.#unanswered++;
    }
  }

  /** Somebody has written into a volume. */
  stamped(name: string, stamp: string): void {
    const account = this.#account(name);
    assert.ok(account.known, `${name} is there`);
    account.known = { ...account.known, stamp };
  }

  /** Resolves once so many calls were answered. */
  reach(answers: number): Promise<void> {
    return new Promise((resolve) => {
      this.#goal = { answers, resolve };
      if (this.#answers >= answers) resolve();
    });
  }

  /** Compares what is there, and takes it for known. @throws AssertionError */
  settle(found: Found): void {
    for (const name of found.keys()) assert.ok(this.#accounts.has(name), `${name} was never asked for`);
    for (const [name, account] of this.#accounts) {
      const now = found.get(name);
      const { known, unanswered } = account;
      const isPossible = isSame(now, known) || (unanswered !== undefined && isSame(now, unanswered.outcome));
      assert.ok(
        isPossible,
        `${name}: answered ${text(known)}, unanswered ${unanswered ? text(unanswered.outcome) : 'nothing'}, found ${text(now)}`,
      );
      if (unanswered) this.#unanswered++;
      account.known = now;
      account.unanswered = undefined;
    }
  }

  #account(name: string): Account {
    let account = this.#accounts.get(name);
    if (!account) {
      account = { known: undefined };
      this.#accounts.set(name, account);
    }
    return account;
  }
}

function isSame(a: Thing | undefined, b: Thing | undefined): boolean {
  return text(a) === text(b);
}

function text(thing: Thing | undefined): string {
  if (!thing) return 'nothing';
  const fields = Object.entries(thing).sort(([a], [b]) => (a < b ? -1 : 1));
  return fields.map(([key, value]) => `${key}=${value}`).join(' ');
}
