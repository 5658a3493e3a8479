import { once } from 'node:events';
import { fromBinary, type Message, toBinary } from '@bufbuild/protobuf';
import type * as Grpc from '@grpc/grpc-js';
import type { Clock } from '../../base/index.ts';
import { Code } from '../codes.ts';
import { parseEndpoint } from '../endpoint.ts';
import { methodPath } from '../services.ts';
import { CsiStatus } from '../status.ts';
import type { IncomingCall, Route, Routes } from './router.ts';
import { placeSocket } from './socket.ts';

/** A server that listens. */
export interface SocketServer {
  /** `unix:///run/csi.sock` */
  readonly endpoint: string;
  readonly socketPath: string;
  /**
   * Takes no new calls, waits for the running ones, then aborts their signals. The socket file goes first.
   * @param options.graceMs how long running calls may take. @default 5000
   */
  stop(options?: { graceMs?: number }): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

const DEFAULT_GRACE_MS = 5000;
const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;

/** Serves routes on a Unix socket. Errors as placeSocket and parseEndpoint. */
export async function serveRoutes(endpoint: string, routes: Routes, clock: Clock): Promise<SocketServer> {
  const socketPath = parseEndpoint(endpoint);
  const grpc = await import('@grpc/grpc-js');
  const server = serverOf(grpc, routes, clock);
  const socket = await placeSocket(socketPath, (path) => bind(grpc, server, path)).catch((error: unknown) => {
    server.forceShutdown();
    throw error;
  });

  let stopped: Promise<void> | undefined;
  const stop = (options?: { graceMs?: number }) => {
    stopped ??= socket.remove().then(() => stopServer(server, clock, options?.graceMs ?? DEFAULT_GRACE_MS));
    return stopped;
  };
  return { endpoint: `unix://${socketPath}`, socketPath, stop, [Symbol.asyncDispose]: () => stop() };
}

/** A server that answers the routes, and listens nowhere yet. */
export function serverOf(grpc: typeof Grpc, routes: Routes, clock: Clock): Grpc.Server {
  const server = new grpc.Server({
    'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
    'grpc.max_send_message_length': MAX_MESSAGE_BYTES,
  });
  for (const route of routes.values()) {
    server.addService(
      { [route.method.name]: definition(route) },
      { [route.method.name]: implementation(route, clock) },
    );
  }
  return server;
}

function bind(grpc: typeof Grpc, server: Grpc.Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.bindAsync(`unix:${path}`, grpc.ServerCredentials.createInsecure(), (error) =>
      error ? reject(new Error(`socket ${path}: ${error.message}`, { cause: error })) : resolve(),
    );
  });
}

/** Waits for the calls that run, and aborts those that take longer. */
export async function stopServer(server: Grpc.Server, clock: Clock, graceMs: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const timer = clock.after(graceMs, () => {
      server.forceShutdown();
      resolve();
    });
    server.tryShutdown((error) => {
      timer.cancel();
      if (error) reject(error);
      else resolve();
    });
  });
}

function definition(route: Route): Grpc.MethodDefinition<Message, Message> {
  const { method } = route;
  return {
    path: methodPath(method),
    requestStream: false,
    responseStream: route.kind === 'stream',
    requestSerialize: (message) => Buffer.from(toBinary(method.input, message)),
    requestDeserialize: (bytes) => fromBinary(method.input, bytes),
    responseSerialize: (message) => Buffer.from(toBinary(method.output, message)),
    responseDeserialize: (bytes) => fromBinary(method.output, bytes),
  };
}

function implementation(route: Route, clock: Clock): Grpc.UntypedHandleCall {
  if (route.kind === 'unary') {
    return (call: Grpc.ServerUnaryCall<Message, Message>, callback: Grpc.sendUnaryData<Message>) => {
      const { ended, ...incoming } = incomingCall(call, clock);
      route
        .call(call.request, incoming)
        .finally(ended)
        .then(
          (response) => callback(null, response),
          (error: unknown) => callback(wireStatus(error)),
        );
    };
  }
  return (call: Grpc.ServerWritableStream<Message, Message>) => {
    const { ended, ...incoming } = incomingCall(call, clock);
    writeAll(call, route.call(call.request, incoming), incoming.signal)
      .finally(ended)
      .then(
        () => call.end(),
        (error: unknown) => call.emit('error', wireStatus(error)),
      );
  };
}

/** No faster than the reader reads; no longer than it wants to. */
async function writeAll(
  call: Grpc.ServerWritableStream<Message, Message>,
  responses: AsyncIterable<Message>,
  signal: AbortSignal,
): Promise<void> {
  for await (const response of responses) {
    signal.throwIfAborted();
    if (!call.write(response)) await once(call, 'drain', { signal });
  }
}

function incomingCall(
  call: Grpc.ServerUnaryCall<Message, Message> | Grpc.ServerWritableStream<Message, Message>,
  clock: Clock,
): IncomingCall & { ended(): void } {
  const controller = new AbortController();
  const deadline = Number(call.getDeadline());
  const deadlineMs = Number.isFinite(deadline) ? deadline : undefined;
  const cancelled = () => {
    const late = deadlineMs !== undefined && clock.now() >= deadlineMs;
    controller.abort(
      late
        ? new CsiStatus(Code.DEADLINE_EXCEEDED, 'the deadline of the call has passed')
        : new CsiStatus(Code.CANCELLED, 'the caller cancelled the call'),
    );
  };
  call.on('cancelled', cancelled);
  // The end of a call is told as its cancelling, too, when the stream closes after the answer.
  return { signal: controller.signal, deadlineMs, ended: () => call.off('cancelled', cancelled) };
}

function wireStatus(error: unknown): { code: number; details: string } {
  return error instanceof CsiStatus
    ? { code: error.code, details: error.details }
    : { code: Code.INTERNAL, details: 'the server failed to answer' };
}
