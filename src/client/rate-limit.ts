import { type Clock, sleep } from '../base/index.ts';
import type { Client } from './client.ts';

export interface RateLimit {
  /** Requests a second, over time. */
  readonly qps: number;
  /** How many may go at once after a rest. */
  readonly burst: number;
}

/** A client whose requests wait their turn, in their order: client-go's token bucket (--kube-api-qps, --kube-api-burst). */
export function limitRate(client: Client, limit: RateLimit, clock: Clock): Client {
  const turn = tokenBucket(limit, clock);
  const limited =
    <Args extends unknown[], R>(
      call: (...args: Args) => Promise<R>,
      signalOf: (...args: Args) => AbortSignal | undefined,
    ) =>
    async (...args: Args): Promise<R> => {
      await turn(signalOf(...args));
      return call(...args);
    };
  return {
    get: limited(client.get, (_resource, _name, options) => options?.signal) as Client['get'],
    list: limited(client.list, (_resource, options) => options?.signal) as Client['list'],
    async *watch(resource, options) {
      await turn(options?.signal);
      yield* client.watch(resource, options);
    },
    create: limited(client.create, (_resource, _object, options) => options?.signal) as Client['create'],
    update: limited(client.update, (_resource, _object, options) => options?.signal) as Client['update'],
    patch: limited(client.patch, (_resource, _name, _patch, options) => options?.signal) as Client['patch'],
    delete: limited(client.delete, (_resource, _name, options) => options?.signal) as Client['delete'],
    deleteCollection: limited(
      client.deleteCollection,
      (_resource, _selection, options) => options?.signal,
    ) as Client['deleteCollection'],
    createSubresource: limited(
      client.createSubresource,
      (_resource, _name, _subresource, _body, options) => options?.signal,
    ) as Client['createSubresource'],
  };
}

/** Resolves when it is the caller's turn. Who gives up has used his turn all the same. */
function tokenBucket({ qps, burst }: RateLimit, clock: Clock): (signal?: AbortSignal) => Promise<void> {
  const intervalMs = 1000 / qps;
  /** When the bucket would be full again. */
  let fullAtMs = Number.NEGATIVE_INFINITY;
  return async (signal) => {
    const now = clock.monotonic();
    fullAtMs = Math.max(fullAtMs, now) + intervalMs;
    const delayMs = fullAtMs - burst * intervalMs - now;
    if (delayMs > 0) await sleep(clock, delayMs, signal);
  };
}
