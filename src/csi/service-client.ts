import {
  create,
  type DescMethod,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  type DescService,
  type Message,
  type MessageInitShape,
  type MessageShape,
} from '@bufbuild/protobuf';
import type { Clock } from '../base/index.ts';
import type { CallOptions, Channel, ChannelCallOptions } from './channel.ts';
import { Code } from './codes.ts';
import { CsiError } from './error.ts';
import { redact, secretValues } from './secrets.ts';
import { methodPath } from './services.ts';
import { CsiStatus } from './status.ts';

/** The methods of a service, by their lower camel case names, typed by its descriptor. */
export type ServiceClient<Service extends DescService> = {
  readonly [Name in keyof Service['method']]: ClientMethod<Service['method'][Name]>;
};

type ClientMethod<Method> =
  Method extends DescMethodUnary<infer Input, infer Output>
    ? (request?: MessageInitShape<Input>, options?: CallOptions) => Promise<MessageShape<Output>>
    : Method extends DescMethodServerStreaming<infer Input, infer Output>
      ? (request?: MessageInitShape<Input>, options?: CallOptions) => AsyncIterable<MessageShape<Output>>
      : never;

/** A call that ended, whatever its outcome. Nothing of its contents. */
export interface CallRecord {
  /** `/csi.v1.Controller/CreateVolume` */
  readonly method: string;
  /** `undefined` when the request could not be sent at all. */
  readonly code: Code | undefined;
  readonly durationMs: number;
}

/** What every call of a client shares. */
export interface ServiceClientOptions {
  clock: Clock;
  /** The driver's name, for errors. */
  driver?: string | undefined;
  /** Milliseconds for calls that do not say. */
  timeoutMs: number;
  onCall?: ((call: CallRecord) => void) | undefined;
}

/** A client of one service over a channel, made from the descriptor. Its methods fail with CsiError. */
export function serviceClient<Service extends DescService>(
  service: Service,
  channel: Channel,
  options: ServiceClientOptions,
): ServiceClient<Service> {
  const methods = {};
  for (const method of service.methods) {
    // Made when it is first used: most clients use few of them, and of clients there may be thousands.
    Object.defineProperty(methods, method.localName, {
      enumerable: true,
      configurable: true,
      get: () => {
        const value = clientMethod(method, channel, options);
        Object.defineProperty(methods, method.localName, { enumerable: true, value });
        return value;
      },
    });
  }
  return methods as ServiceClient<Service>;
}

function clientMethod(method: DescMethod, channel: Channel, defaults: ServiceClientOptions): unknown {
  const full = (options?: CallOptions): ChannelCallOptions => ({
    timeoutMs: options?.timeoutMs ?? defaults.timeoutMs,
    signal: options?.signal,
    waitForReady: options?.waitForReady ?? false,
  });
  /** What to do at the end of a call that begins now. */
  const begin = (request: Message) => {
    const began = defaults.clock.monotonic();
    const ended = (code: Code | undefined) =>
      defaults.onCall?.({ method: methodPath(method), code, durationMs: defaults.clock.monotonic() - began });
    return {
      succeeded: () => ended(Code.OK),
      failed(error: unknown): unknown {
        ended(error instanceof CsiStatus ? error.code : undefined);
        return toCsiError(error, method, request, channel, defaults);
      },
    };
  };

  if (method.methodKind === 'unary') {
    return async (init?: MessageInitShape<typeof method.input>, options?: CallOptions): Promise<Message> => {
      const request = create(method.input, init);
      const call = begin(request);
      let response: Message;
      try {
        response = await channel.unary(method, request, full(options));
      } catch (error) {
        throw call.failed(error);
      }
      call.succeeded();
      return response;
    };
  }
  if (method.methodKind === 'server_streaming') {
    return async function* (init?: MessageInitShape<typeof method.input>, options?: CallOptions) {
      const request = create(method.input, init);
      const call = begin(request);
      try {
        yield* channel.stream(method, request, full(options));
      } catch (error) {
        throw call.failed(error);
      }
      call.succeeded();
    };
  }
  throw new Error(`${methodPath(method)}: ${method.methodKind} methods are not supported`);
}

/** Statuses become CsiErrors; anything else (a request that cannot be serialized) is passed on as it is. */
function toCsiError(
  error: unknown,
  method: DescMethod,
  request: Message,
  channel: Channel,
  options: ServiceClientOptions,
): unknown {
  if (!(error instanceof CsiStatus)) return error;
  return new CsiError({
    method: methodPath(method),
    endpoint: channel.endpoint,
    driver: options.driver,
    subject: subjectOf(request),
    code: error.code,
    // A driver may repeat the request in its message.
    details: redact(error.details, secretValues(method.input, request)),
    cause: error.cause,
  });
}

/** The name or id that a request is about. A create has a name; the most specific id comes first for the others. */
function subjectOf(request: Message): string | undefined {
  const fields = request as unknown as Record<string, unknown>;
  for (const field of ['name', 'volumeId', 'snapshotId', 'groupSnapshotId', 'targetSnapshotId']) {
    const value = fields[field];
    if (typeof value === 'string' && value !== '') return value;
  }
  return undefined;
}
