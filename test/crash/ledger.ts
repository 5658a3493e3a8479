import assert from 'node:assert/strict';

/** What a write leaves: the resourceVersion and the serial number in the object, or nothing. */
export interface State {
  readonly revision: number;
  readonly serial: number;
}

/** An object as the server has it. */
export interface Found extends State {
  readonly name: string;
}

interface Account {
  /** The last acknowledged state; undefined: not there. */
  known: State | undefined;
  /** A write whose answer never came: it counts, or it does not. */
  unanswered?: { readonly serial: number } | 'delete';
}

/**
 * What one has a right to find after a crash: of each object the last acknowledged state, or that of the one write that
 * was not answered. Every object has one writer, so there is no more than one.
 */
export class Ledger {
  readonly #accounts = new Map<string, Account>();
  readonly #acknowledged: number[] = [];
  #newest = 0;
  #deletions = 0;
  #goal: { readonly writes: number; readonly resolve: () => void } | undefined;

  /** The newest revision that a client has been told. */
  get newest(): number {
    return this.#newest;
  }

  /** The revisions of all acknowledged writes but deletions, which are not told theirs. */
  get acknowledged(): readonly number[] {
    return this.#acknowledged;
  }

  get writes(): number {
    return this.#acknowledged.length + this.#deletions;
  }

  known(name: string): State | undefined {
    return this.#accounts.get(name)?.known;
  }

  send(name: string, write: { readonly serial: number } | 'delete'): void {
    const account = this.#account(name);
    assert.equal(account.unanswered, undefined, `${name} has one writer`);
    account.unanswered = write;
  }

  /** An answer; `after` is the newest revision that was known when the write was sent. */
  acknowledge(name: string, state: State | undefined, after: number): void {
    const account = this.#account(name);
    account.known = state;
    account.unanswered = undefined;
    if (state === undefined) {
      this.#deletions++;
    } else {
      assert.ok(state.revision > after, `${name}: revision ${state.revision} is not above ${after}`);
      this.#acknowledged.push(state.revision);
      this.#newest = Math.max(this.#newest, state.revision);
    }
    this.#tell();
  }

  /** Resolves once so many writes were acknowledged. */
  reach(writes: number): Promise<void> {
    return new Promise((resolve) => {
      this.#goal = { writes, resolve };
      this.#tell();
    });
  }

  /** Compares what is there after a crash, and takes it for known. @throws AssertionError */
  settle(found: readonly Found[], revision: number): void {
    assert.ok(revision >= this.#newest, `the list is of ${revision}, but ${this.#newest} was acknowledged`);
    const present = new Map(found.map((one) => [one.name, one]));
    for (const name of present.keys()) assert.ok(this.#accounts.has(name), `${name} was never written`);
    for (const [name, account] of this.#accounts) {
      const now = present.get(name);
      if (!isPossible(account, now))
        assert.fail(
          `${name}: acknowledged ${JSON.stringify(account.known)}, unanswered ${JSON.stringify(account.unanswered)}, found ${JSON.stringify(now)}`,
        );
      account.known = now && { revision: now.revision, serial: now.serial };
      account.unanswered = undefined;
    }
    this.#newest = revision;
  }

  #tell(): void {
    if (this.#goal === undefined || this.writes < this.#goal.writes) return;
    this.#goal.resolve();
    this.#goal = undefined;
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

function isPossible({ known, unanswered }: Account, now: State | undefined): boolean {
  if (now?.serial === known?.serial && now?.revision === known?.revision) return true;
  if (unanswered === undefined) return false;
  if (unanswered === 'delete') return now === undefined;
  return now?.serial === unanswered.serial && now.revision > (known?.revision ?? 0);
}
