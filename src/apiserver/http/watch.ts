import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { WatchOptions } from '../../client/index.ts';
import { badRequest, internalError, isExpired, StatusError } from '../../kube/index.ts';
import { exchangeSignal, type ResourceExchange } from './exchange.ts';
import { notAcceptable, type OutputType, WATCHED } from './media-type.ts';
import { readParameters } from './query.ts';
import { asStatusError } from './send.ts';
import { includeObjectOf } from './transform.ts';
import { type WatchEncoder, watchEncoder, watchError, watchType } from './watch-text.ts';

/** A watch without a limit of its own ends after 30 to 60 minutes, as upstream's (minRequestTimeout). */
const MIN_TIMEOUT_SECONDS = 1800;

/**
 * Streams the changes of a collection as JSON lines or protobuf frames, one write for each batch, no faster than the client reads. What is
 * wrong with the request is a failed response; what fails later is an ERROR event, the last of the stream.
 */
export async function serveWatch(exchange: ResourceExchange, output: OutputType): Promise<void> {
  const { server, definition, target, query, response } = exchange;
  if (output.format === 'yaml') throw notAcceptable(WATCHED);
  const parameters = readParameters(query, true);
  const encode = watchEncoder(definition, output, includeObjectOf(query, output), () => server.clock.now());
  const { signal, dispose } = exchangeSignal(exchange);
  const options: WatchOptions = {
    ...parameters.watch,
    timeoutSeconds:
      parameters.watch.timeoutSeconds ?? Math.floor(MIN_TIMEOUT_SECONDS * (1 + server.random.next())),
    namespace: target.namespace || undefined,
    fieldSelector: target.name
      ? nameSelector(target.name, parameters.watch.fieldSelector)
      : parameters.watch.fieldSelector,
    signal,
  };
  try {
    await streamEvents(exchange, options, encode, watchType(output), signal);
    response.end();
  } catch (error) {
    if (!response.headersSent) {
      if (!isExpired(error)) throw error;
      // Upstream tells of a version out of the window in the stream, whenever it finds out.
      begin(response, watchType(output));
    }
    const status = asStatusError(error, internalError);
    if (!(error instanceof StatusError))
      server.logger.error('watch failed', { resource: definition.plural, error });
    response.end(watchError(status.status, output));
  } finally {
    dispose();
  }
}

async function streamEvents(
  exchange: ResourceExchange,
  options: WatchOptions,
  encode: WatchEncoder,
  type: string,
  signal: AbortSignal,
): Promise<void> {
  const { server, definition, response } = exchange;
  const iterator = server.registry.watch(definition, options)[Symbol.asyncIterator]();
  let next = iterator.next();
  try {
    await failEarly(next, (turn) => server.clock.soon(turn));
    begin(response, type);
    for (let result = await next; !result.done; result = await next) {
      await write(exchange, encode(result.value), signal);
      if (signal.aborted) return;
      next = iterator.next();
    }
  } finally {
    await iterator.return?.();
  }
}

/**
 * Rejects with what is wrong with the request, known at once, so that it can be a failed response. A version out of
 * the window is left for the stream: upstream reports it there.
 */
async function failEarly(next: Promise<unknown>, soon: (turn: () => void) => void): Promise<void> {
  const turn = new Promise<void>((resolve) => soon(resolve));
  try {
    await Promise.race([next, turn]);
  } catch (error) {
    if (!isExpired(error)) throw error;
  }
}

function begin(response: ServerResponse, type: string): void {
  response.writeHead(200, { 'Content-Type': type, 'Cache-Control': 'no-cache, private' });
  response.flushHeaders();
}

/** Writes no faster than the client reads; one that reads nothing at all loses its watch. */
async function write(
  { server, response }: ResourceExchange,
  chunk: Buffer,
  signal: AbortSignal,
): Promise<void> {
  if (signal.aborted || response.write(chunk)) return;
  const timer = server.clock.after(server.limits.unreadMs, () => response.destroy(), { unref: true });
  try {
    await once(response, 'drain', { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    timer.cancel();
  }
}

/**
 * The selector of a watch of one object.
 * @throws StatusError 400 when the client gave one that does not name the object.
 */
function nameSelector(name: string, selector: string | undefined): string {
  const exact = `metadata.name=${name}`;
  if (!selector) return exact;
  if (!selector.split(',').some((term) => term === exact || term === `metadata.name==${name}`))
    throw badRequest("fieldSelector metadata.name doesn't match requested name");
  return selector;
}
