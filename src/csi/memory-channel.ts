import { type DescMessage, type DescMethod, fromBinary, type Message, toBinary } from '@bufbuild/protobuf';
import { type Clock, errorMessage, firstAborted } from '../base/index.ts';
import type { Channel, ChannelCallOptions } from './channel.ts';
import { Code } from './codes.ts';
import type { Route, Routes } from './server/router.ts';
import { methodPath } from './services.ts';
import { CsiStatus } from './status.ts';

/** The process, so to speak, at the other end of an in-memory channel. */
export interface RunningServer {
  readonly routes: Routes;
  /** Aborts when the server stops: running calls break off. */
  readonly stopped: AbortSignal;
}

/** Where an in-memory channel leads. */
export interface MemoryServer {
  /** `undefined` while the server is down. */
  running(): RunningServer | undefined;
  /** Resolves when a server that is down comes up. */
  started(): Promise<void>;
}

/**
 * A channel straight to a server's routes. Messages are serialized all the same: what would not pass a socket does
 * not pass here, and the two sides share no object.
 */
export function memoryChannel(server: MemoryServer, clock: Clock): Channel {
  const closed = new AbortController();

  /** The signal of one call, and what ends the watch over it. */
  const watch = (options: ChannelCallOptions) => {
    const call = new AbortController();
    const listening: (() => void)[] = [];
    const abortWith = (signal: AbortSignal | undefined, reason: () => CsiStatus) => {
      const listener = () => call.abort(reason());
      if (signal?.aborted) return listener();
      signal?.addEventListener('abort', listener, { once: true });
      listening.push(() => signal?.removeEventListener('abort', listener));
    };
    const cancelled = () =>
      new CsiStatus(Code.CANCELLED, 'the call was cancelled', { cause: options.signal?.reason });
    abortWith(closed.signal, () => new CsiStatus(Code.CANCELLED, 'the client is closed'));
    abortWith(options.signal, cancelled);

    let deadlineMs: number | undefined;
    if (options.timeoutMs !== Infinity) {
      deadlineMs = clock.now() + options.timeoutMs;
      const late = () => new CsiStatus(Code.DEADLINE_EXCEEDED, `no answer within ${options.timeoutMs} ms`);
      const timer = clock.after(options.timeoutMs, () => call.abort(late()));
      listening.push(() => timer.cancel());
    }
    return {
      incoming: { signal: call.signal, deadlineMs },
      /** The routes of the server, now or when it is up. From then on the call ends with the server. */
      async reach(): Promise<Routes> {
        for (;;) {
          call.signal.throwIfAborted();
          const running = server.running();
          if (running) {
            abortWith(running.stopped, () => new CsiStatus(Code.UNAVAILABLE, 'the server has stopped'));
            return running.routes;
          }
          if (!options.waitForReady) throw new CsiStatus(Code.UNAVAILABLE, 'the server is not running');
          await orAborted(server.started(), call.signal);
        }
      },
      cancel: () => call.abort(cancelled()),
      end() {
        for (const stop of listening) stop();
      },
    };
  };

  return {
    endpoint: 'memory:',
    async unary(method, request, options) {
      const sent = copy(method.input, request);
      const { incoming, reach, end } = watch(options);
      try {
        const route = find(await reach(), method, 'unary');
        incoming.signal.throwIfAborted(); // a handler that listens for it now would wait forever
        const response = await orAborted(route.call(sent, incoming), incoming.signal);
        return copyResponse(method, response);
      } finally {
        end();
      }
    },
    async *stream(method, request, options) {
      const sent = copy(method.input, request);
      const { incoming, reach, cancel, end } = watch(options);
      let responses: AsyncGenerator<Message, void> | undefined;
      try {
        const route = find(await reach(), method, 'stream');
        incoming.signal.throwIfAborted();
        responses = route.call(sent, incoming);
        for (;;) {
          const next = await orAborted(responses.next(), incoming.signal);
          if (next.done) return;
          yield copyResponse(method, next.value);
        }
      } finally {
        end();
        // The reader may have stopped early. It does not wait for the handler to notice.
        cancel();
        responses?.return().catch(() => {});
      }
    },
    async lost(signal) {
      const stopped = server.running()?.stopped;
      if (stopped) await firstAborted([stopped, closed.signal, signal]);
    },
    close: () => closed.abort(),
  };
}

function find<Kind extends Route['kind']>(
  routes: Routes,
  method: DescMethod,
  kind: Kind,
): Extract<Route, { kind: Kind }> {
  const route = routes.get(methodPath(method));
  // The words of gRPC for a service that is not served.
  if (route?.kind !== kind) {
    throw new CsiStatus(Code.UNIMPLEMENTED, `The server does not implement the method ${methodPath(method)}`);
  }
  return route as Extract<Route, { kind: Kind }>;
}

function copy(schema: DescMessage, message: Message): Message {
  return fromBinary(schema, toBinary(schema, message));
}

/** An answer that cannot be serialized is the server's mistake, which gRPC reports so. */
function copyResponse(method: DescMethod, response: Message): Message {
  try {
    return copy(method.output, response);
  } catch (error) {
    throw new CsiStatus(Code.INTERNAL, `Error serializing response: ${errorMessage(error)}`, {
      cause: error,
    });
  }
}

/** The caller hears at once that its call is off; the handler goes on until it notices. */
function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
