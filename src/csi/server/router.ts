import { create, type DescMethod, type DescService, type Message } from '@bufbuild/protobuf';
import { type Clock, errorMessage, type Logger } from '../../base/index.ts';
import { Code, codeName } from '../codes.ts';
import { CsiError } from '../error.ts';
import { redact, secretValues, stripSecrets } from '../secrets.ts';
import { methodPath } from '../services.ts';
import { CsiStatus } from '../status.ts';
import type { HandlerContext } from './handlers.ts';
import { operationKey } from './operation-key.ts';

/** What the transport knows of a call. */
export interface IncomingCall {
  readonly signal: AbortSignal;
  readonly deadlineMs: number | undefined;
}

/** A method that is served. Both kinds fail with CsiStatus and nothing else. */
export type Route =
  | { kind: 'unary'; method: DescMethod; call(request: Message, incoming: IncomingCall): Promise<Message> }
  | {
      kind: 'stream';
      method: DescMethod;
      call(request: Message, incoming: IncomingCall): AsyncGenerator<Message, void, undefined>;
    };

/** The methods of a server by their full names; every method of its services is there. */
export type Routes = ReadonlyMap<string, Route>;

/** A service and who answers it: the handlers by lower camel case method name, untyped. */
export interface ServiceBinding {
  service: DescService;
  handlers: object;
}

export interface RouterOptions {
  clock: Clock;
  log: Logger;
  /** Looks at a request before its handler does; what it returns is the answer. */
  reject?: ((method: DescMethod, request: Message) => CsiStatus | undefined) | undefined;
}

/** The longest status text sent: it travels in an HTTP/2 header, which clients limit. */
const MAX_DETAILS_LENGTH = 4096;

type UntypedHandler = (request: Message, context: HandlerContext) => unknown;

/**
 * Everything between transport and handlers: argument checks, one operation per volume, answers built from
 * their shapes, exceptions as statuses, and a log line for each call without its secrets.
 * The same for sockets and in memory.
 */
export function createRoutes(bindings: readonly ServiceBinding[], options: RouterOptions): Routes {
  const busy = new Set<string>();
  const routes = new Map<string, Route>();
  for (const { service, handlers } of bindings) {
    for (const method of service.methods) {
      const handler = (handlers as Record<string, UntypedHandler | undefined>)[method.localName];
      const route =
        method.methodKind === 'unary'
          ? unaryRoute(method, handler?.bind(handlers), options, busy)
          : streamRoute(method, handler?.bind(handlers), options);
      routes.set(methodPath(method), route);
    }
  }
  return routes;
}

function unaryRoute(
  method: DescMethod,
  handler: UntypedHandler | undefined,
  options: RouterOptions,
  busy: Set<string>,
): Route {
  const path = methodPath(method);
  return {
    kind: 'unary',
    method,
    async call(request, incoming) {
      const record = callRecord(method, request, options);
      let key: string | undefined;
      try {
        const run = admit(method, handler, request, options);
        const wanted = operationKey(path, request);
        if (wanted !== undefined && busy.has(wanted)) {
          throw new CsiStatus(
            Code.ABORTED,
            `another operation on ${wanted} is pending; try again when it is done`,
          );
        }
        key = wanted;
        if (key !== undefined) busy.add(key);
        const response = await run(request, { method: path, log: options.log, ...incoming });
        const message = create(method.output, response as Record<string, unknown>);
        record.succeeded(message);
        return message;
      } catch (error) {
        throw record.failed(error);
      } finally {
        // Not when the caller gives up but when the handler is through: until then the volume is being worked on.
        if (key !== undefined) busy.delete(key);
      }
    },
  };
}

function streamRoute(method: DescMethod, handler: UntypedHandler | undefined, options: RouterOptions): Route {
  const path = methodPath(method);
  return {
    kind: 'stream',
    method,
    async *call(request, incoming) {
      const record = callRecord(method, request, options);
      try {
        const run = admit(method, handler, request, options);
        const responses = run(request, { method: path, log: options.log, ...incoming });
        for await (const response of responses as AsyncIterable<Record<string, unknown>>) {
          yield create(method.output, response);
        }
        record.succeeded(undefined);
      } catch (error) {
        throw record.failed(error);
      }
    },
  };
}

function admit(
  method: DescMethod,
  handler: UntypedHandler | undefined,
  request: Message,
  options: RouterOptions,
): UntypedHandler {
  if (!handler) {
    // What the specification asks of a driver for every call that it does not have.
    throw new CsiStatus(Code.UNIMPLEMENTED, `${method.name} is not implemented by this driver`);
  }
  const rejected = options.reject?.(method, request);
  if (rejected) throw rejected;
  return handler;
}

/** The log line of one call. */
function callRecord(method: DescMethod, request: Message, { clock, log }: RouterOptions) {
  const began = clock.monotonic();
  const fields = (code: Code) => ({
    method: methodPath(method),
    code: codeName(code),
    durationMs: Math.round((clock.monotonic() - began) * 1000) / 1000,
    request: lazy(() => stripSecrets(method.input, request)),
  });
  return {
    succeeded(response: Message | undefined): void {
      log.debug('CSI call', {
        ...fields(Code.OK),
        ...(response ? { response: lazy(() => stripSecrets(method.output, response)) } : {}),
      });
    },
    failed(error: unknown): CsiStatus {
      const secrets = secretValues(method.input, request);
      const status = toStatus(error, secrets);
      log.warn('CSI call failed', {
        ...fields(status.code),
        error: status.details,
        // Where it came from, for what the author did not foresee.
        ...(error instanceof CsiStatus || !(error instanceof Error) || error.stack === undefined
          ? {}
          : { stack: redact(error.stack, secrets) }),
      });
      return status;
    },
  };
}

/** Computed only if the line is written. */
function lazy(make: () => unknown): { toJSON(): unknown } {
  return { toJSON: make };
}

function toStatus(error: unknown, secrets: readonly string[]): CsiStatus {
  const safe = (text: string) => redact(text, secrets).slice(0, MAX_DETAILS_LENGTH);
  // A driver in front of another passes on the answer.
  if (error instanceof CsiStatus || error instanceof CsiError) {
    return new CsiStatus(error.code, safe(error.details), { cause: error });
  }
  return new CsiStatus(Code.INTERNAL, safe(errorMessage(error)), { cause: error });
}
