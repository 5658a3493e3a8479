import { type Clock, rfc3339Micro } from '../../base/index.ts';
import { isNotFound, type Lease, leases, type Stored } from '../../kube/index.ts';
import type { Client, ObjectName } from '../client.ts';
import { decide, isSame, isValid, type Observation } from './decide.ts';

export interface LeaseLockOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly lease: Required<ObjectName>;
  /** Who asks; no two candidates may have the same. */
  readonly identity: string;
  readonly leaseDurationMs: number;
  readonly labels?: Readonly<Record<string, string>>;
}

/** One candidate's view of one Lease. Time and again it tries to take or keep it. */
export class LeaseLock {
  readonly #options: LeaseLockOptions;
  #lease: Stored<Lease> | undefined;
  #seen: Observation | undefined;

  constructor(options: LeaseLockOptions) {
    this.#options = options;
  }

  /** Who held it when it was last looked at. */
  get holder(): string | undefined {
    return this.#seen?.spec?.holderIdentity || undefined;
  }

  get isHeld(): boolean {
    return this.holder === this.#options.identity;
  }

  /** The Lease, once it has been read or written: what events are about. */
  get object(): Stored<Lease> | undefined {
    return this.#lease;
  }

  /** Whether it is ours now. @throws StatusError, or an Error when the server cannot be reached: then nobody knows. */
  async tryAcquireOrRenew(signal: AbortSignal): Promise<boolean> {
    const { client, clock, lease: name, identity } = this.#options;
    // While nobody else has written it, no look is needed; if somebody has, the server refuses.
    if (this.isHeld && isValid(this.#seen!, clock.monotonic())) {
      try {
        await this.#write(this.#renewed(this.#lease!.spec), signal);
        return true;
      } catch {
        // Look what is there.
      }
    }
    try {
      this.#observe(await client.get(leases, name, { signal }));
    } catch (error) {
      if (!isNotFound(error)) throw error;
      await this.#create(signal);
      return true;
    }
    const move = decide(this.#seen!, identity, clock.monotonic());
    if (move.kind === 'wait') return false;
    const spec = this.#lease!.spec;
    await this.#write(
      move.kind === 'renew' ? this.#renewed(spec) : { ...this.#fresh(), leaseTransitions: move.transitions },
      signal,
    );
    return true;
  }

  /** Gives it back, so that the next need not wait until it has run out. Only when all work under it has ended. */
  async release(signal: AbortSignal): Promise<void> {
    const { client, lease: name } = this.#options;
    this.#observe(await client.get(leases, name, { signal }));
    if (!this.isHeld) return;
    const { leaseTransitions } = this.#lease!.spec ?? {};
    await this.#write(
      { ...this.#fresh(), holderIdentity: '', leaseDurationSeconds: 1, leaseTransitions },
      signal,
    );
  }

  #fresh(): NonNullable<Lease['spec']> {
    const { identity, leaseDurationMs, clock } = this.#options;
    const now = rfc3339Micro(clock.now());
    return {
      holderIdentity: identity,
      leaseDurationSeconds: Math.floor(leaseDurationMs / 1000),
      acquireTime: now,
      renewTime: now,
      leaseTransitions: 0,
    };
  }

  #renewed(present: Lease['spec']): NonNullable<Lease['spec']> {
    const { acquireTime, leaseTransitions } = present ?? {};
    return { ...this.#fresh(), acquireTime, leaseTransitions };
  }

  async #create(signal: AbortSignal): Promise<void> {
    const { client, lease, labels } = this.#options;
    const metadata = { ...lease, ...(labels && { labels }) };
    this.#observe(await client.create(leases, { metadata, spec: this.#fresh() }, { signal }));
  }

  async #write(spec: NonNullable<Lease['spec']>, signal: AbortSignal): Promise<void> {
    const { client, labels } = this.#options;
    const { metadata } = this.#lease!;
    const wanted = labels ? { ...metadata, labels: { ...metadata.labels, ...labels } } : metadata;
    this.#observe(await client.update(leases, { ...this.#lease!, metadata: wanted, spec }, { signal }));
  }

  #observe(lease: Stored<Lease>): void {
    this.#lease = lease;
    if (this.#seen && isSame(this.#seen.spec, lease.spec)) return;
    this.#seen = { spec: lease.spec, atMs: this.#options.clock.monotonic() };
  }
}
