import { type DescMethod, fromBinary, type Message, toBinary } from '@bufbuild/protobuf';
import type * as Grpc from '@grpc/grpc-js';
import { type Clock, aborted as signalled } from '../base/index.ts';
import type { Channel, ChannelCallOptions } from './channel.ts';
import { Code, toCode } from './codes.ts';
import { parseEndpoint } from './endpoint.ts';
import { methodPath } from './services.ts';
import { CsiStatus } from './status.ts';

/** The longest delay of a timer in Node, 24 days: as good as never. */
const NEVER_MS = 2 ** 31 - 1;

/** A page of ListVolumes without a limit can be long; the 4 MiB of gRPC are about 10,000 volumes. */
const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;

const CHANNEL_OPTIONS: Partial<Grpc.ChannelOptions> = {
  // A local socket costs nothing to try. csi-lib-utils waits a second at most, too.
  'grpc.initial_reconnect_backoff_ms': 25,
  'grpc.max_reconnect_backoff_ms': 1000,
  'grpc.client_idle_timeout_ms': NEVER_MS,
  'grpc.enable_http_proxy': 0,
  // Otherwise two clients of one socket would share a connection and its back-off.
  'grpc.use_local_subchannel_pool': 1,
  'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
  'grpc.max_send_message_length': MAX_MESSAGE_BYTES,
};

/**
 * A channel over a Unix socket. It connects with the first call and, for as long as it is open, again after
 * every loss. gRPC is loaded with the first call too: it takes longer than all of this folder.
 */
export function grpcChannel(endpoint: string, clock: Clock): Channel {
  const target = `unix:${parseEndpoint(endpoint)}`;
  let closed = false;
  const active = new Set<() => void>();
  let opened: { grpc: typeof Grpc; client: Grpc.Client } | undefined;

  const open = async () => {
    const grpc = opened?.grpc ?? (await import('@grpc/grpc-js'));
    if (closed) throw clientClosed();
    opened ??= { grpc, client: new grpc.Client(target, grpc.credentials.createInsecure(), CHANNEL_OPTIONS) };
    return opened;
  };
  const begin = async (options: ChannelCallOptions) => {
    const { grpc, client } = await open();
    if (options.signal?.aborted) throw aborted(options.signal);
    return {
      client,
      metadata: new grpc.Metadata({ waitForReady: options.waitForReady }),
      callOptions: { deadline: deadlineOf(clock, options.timeoutMs) },
    };
  };

  /** Cancels the call when its signal aborts or the client is closed. The result ends that. */
  const cancelWith = (signal: AbortSignal | undefined, call: { cancel(): void }) => {
    const cancel = () => call.cancel();
    active.add(cancel);
    signal?.addEventListener('abort', cancel, { once: true });
    return () => {
      active.delete(cancel);
      signal?.removeEventListener('abort', cancel);
    };
  };
  const toStatus = (error: unknown, signal: AbortSignal | undefined): unknown => {
    const { code, details } = error as Partial<Grpc.ServiceError>;
    if (typeof code !== 'number') return error;
    if (code === Code.CANCELLED && signal?.aborted) return aborted(signal);
    if (code === Code.CANCELLED && closed) return clientClosed();
    return new CsiStatus(toCode(code), details ?? '', { cause: error });
  };

  return {
    endpoint: `unix://${target.slice('unix:'.length)}`,
    async unary(method, request, options) {
      const bytes = encode(method, request);
      const { client, metadata, callOptions } = await begin(options);
      return await new Promise<Message>((resolve, reject) => {
        const call = client.makeUnaryRequest(
          methodPath(method),
          asIs,
          decoder(method),
          bytes,
          metadata,
          callOptions,
          (error, response) => {
            done();
            if (error) reject(toStatus(error, options.signal));
            else resolve(response!);
          },
        );
        const done = cancelWith(options.signal, call);
      });
    },
    async *stream(method, request, options) {
      const bytes = encode(method, request);
      const { client, metadata, callOptions } = await begin(options);
      const call = client.makeServerStreamRequest(
        methodPath(method),
        asIs,
        decoder(method),
        bytes,
        metadata,
        callOptions,
      );
      const done = cancelWith(options.signal, call);
      try {
        for await (const message of call) yield message as Message;
      } catch (error) {
        throw toStatus(error, options.signal);
      } finally {
        done();
        call.cancel(); // the reader may have stopped early; after the end it does nothing
      }
    },
    async lost(signal) {
      if (!opened || closed) return;
      const { grpc, client } = opened;
      const { READY } = grpc.connectivityState;
      const channel = client.getChannel();
      if (channel.getConnectivityState(false) !== READY) return;
      const left = new Promise<void>((resolve) =>
        // Until closed, it leaves READY by nothing but the loss of the connection.
        channel.watchConnectivityState(READY, Infinity, () => resolve()),
      );
      await Promise.race([left, signalled(signal)]);
    },
    close() {
      closed = true;
      for (const cancel of [...active]) cancel();
      opened?.client.close();
    },
  };
}

/** Before the call: what cannot be serialized is the caller's mistake and not a status of the driver. */
function encode(method: DescMethod, request: Message): Buffer {
  return Buffer.from(toBinary(method.input, request));
}

const asIs = (bytes: Buffer) => bytes;

function decoder(method: DescMethod): (bytes: Buffer) => Message {
  return (bytes) => fromBinary(method.output, bytes);
}

function deadlineOf(clock: Clock, timeoutMs: number): number {
  return timeoutMs === Infinity ? Infinity : clock.now() + timeoutMs;
}

function aborted(signal: AbortSignal): CsiStatus {
  return new CsiStatus(Code.CANCELLED, 'the call was cancelled', { cause: signal.reason });
}

function clientClosed(): CsiStatus {
  return new CsiStatus(Code.CANCELLED, 'the client is closed');
}
