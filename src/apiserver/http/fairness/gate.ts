import { type StatusError, statusFailure } from '../../../kube/index.ts';
import type { UserInfo } from '../../registry/contract.ts';
import type { RequestTarget } from '../request-target.ts';
import { FairQueue, type Seat } from './fair-queue.ts';
import { flowOf, seatsOf } from './levels.ts';

/** Watches and streams that one user may have open. */
const LONG_RUNNING_PER_USER = 5_000;
/** What a client that was refused is asked to wait, in seconds. */
const RETRY_AFTER_SECONDS = 1;
const STREAMING: ReadonlySet<string> = new Set(['exec', 'attach', 'portforward', 'proxy', 'log']);
const NO_SEAT: Seat = Object.freeze({ release: () => undefined });

/** Lets requests in, as many at a time as the server can serve and each client's in its turn. */
export class Gate {
  readonly #queues = new Map<string, FairQueue>();
  readonly #longRunning = new Map<string, number>();

  /** @throws StatusError 429 when there is no room to wait either. */
  enter(user: UserInfo, target: RequestTarget): Seat | Promise<Seat> {
    const { level, key } = flowOf(user, target);
    const seats = seatsOf(level);
    if (seats === undefined) return NO_SEAT;
    if (isLongRunning(target)) return this.#enterLongRunning(key);
    let queue = this.#queues.get(level.name);
    if (!queue) {
      queue = new FairQueue({ seats, queueLength: level.queueLength });
      this.#queues.set(level.name, queue);
    }
    const seat = queue.take(key);
    if (seat === undefined) throw tooManyRequests();
    return seat;
  }

  /** They last: they take no seat from those that come and go, and have a limit of their own. */
  #enterLongRunning(key: string): Seat {
    const open = this.#longRunning.get(key) ?? 0;
    if (open >= LONG_RUNNING_PER_USER) throw tooManyRequests();
    this.#longRunning.set(key, open + 1);
    let held = true;
    return {
      release: () => {
        if (!held) return;
        held = false;
        const left = this.#longRunning.get(key)! - 1;
        if (left === 0) this.#longRunning.delete(key);
        else this.#longRunning.set(key, left);
      },
    };
  }
}

/** Requests that last as long as the client likes (genericfilters.BasicLongRunningRequestCheck). */
export function isLongRunning(target: RequestTarget): boolean {
  return 'resource' in target && (target.verb === 'watch' || STREAMING.has(target.subresource));
}

function tooManyRequests(): StatusError {
  return statusFailure(429, 'TooManyRequests', 'Too many requests, please try again later.', {
    retryAfterSeconds: RETRY_AFTER_SECONDS,
  });
}
