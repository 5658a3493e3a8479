import type { ListOptions } from '../../client/index.ts';
import { badRequest, StatusError } from '../../kube/index.ts';
import type { EntryList } from '../registry/contract.ts';
import { SCALE_COLUMNS, scaleEntry } from '../registry/scale.ts';
import { exchangeSignal, type ResourceExchange, wantsPretty } from './exchange.ts';
import { listChunks, listMetadata } from './list-text.ts';
import { listProtobuf, PROTOBUF_TYPE } from './protobuf/index.ts';
import { flag, readParameters } from './query.ts';
import { sendChunks, sendJson } from './send.ts';
import { includeObjectOf, listText, objectText, outputOf } from './transform.ts';
import { serveWatch } from './watch.ts';

/** GET of one object. */
export async function serveGet(exchange: ResourceExchange): Promise<void> {
  const { server, request, response, definition, query } = exchange;
  const output = outputOf(exchange, true);
  // A watch of one object is old style: /api/v1/namespaces/NS/pods/NAME?watch=1.
  if (flag(query, 'watch')) return serveWatch(exchange, output);
  const includeObject = includeObjectOf(query, output);
  const stored = server.registry.get(definition, objectName(exchange));
  const isScale = exchange.target.subresource === 'scale' && definition.scale !== undefined;
  const entry = isScale ? scaleEntry(definition.scale!, stored) : stored;
  const shown = isScale ? { ...definition, columns: SCALE_COLUMNS } : definition;
  const text = objectText(shown, entry, output, includeObject, server.clock.now());
  await sendJson(request, response, 200, text, { output, pretty: wantsPretty({ query, request }) });
}

/** GET of a collection: a list, or a watch. */
export async function serveList(exchange: ResourceExchange): Promise<void> {
  const { server, request, response, target, definition, query } = exchange;
  const output = outputOf(exchange, true);
  if (target.verb === 'watch') return serveWatch(exchange, output);
  const parameters = readParameters(query, false);
  const includeObject = includeObjectOf(query, output);
  const list = await listReached(exchange, { ...parameters.list, namespace: target.namespace || undefined });
  const pretty = wantsPretty({ query, request });
  if (output.transform !== undefined) {
    const text = listText(definition, list, output, includeObject, server.clock.now());
    return sendJson(request, response, 200, text, { output, pretty });
  }
  if (output.format === 'protobuf')
    return sendChunks(request, response, listProtobuf(definition, list, listMetadata(list)), PROTOBUF_TYPE);
  const chunks = listChunks(definition, list);
  if (pretty || output.format === 'yaml')
    return sendJson(request, response, 200, Buffer.concat([...chunks]), { output, pretty });
  await sendChunks(request, response, chunks);
}

/** The list; a revision that is not reached yet is waited for as a watch waits, unless it is to be matched exactly. */
async function listReached(exchange: ResourceExchange, options: ListOptions): Promise<EntryList> {
  const { server, definition } = exchange;
  const isExact = options.resourceVersionMatch === 'Exact' || options.limit !== undefined || options.continue;
  try {
    return server.registry.list(definition, options);
  } catch (error) {
    if (isExact || !(error instanceof StatusError) || error.reason !== 'Timeout') throw error;
  }
  const { signal, dispose } = exchangeSignal(exchange);
  const { namespace, resourceVersion } = options;
  const state = server.registry.watch(definition, {
    namespace,
    resourceVersion,
    sendInitialEvents: true,
    allowWatchBookmarks: true,
    signal,
  });
  try {
    // The first that comes is the present state; its objects are listed anew.
    for await (const _ of state) break;
  } finally {
    dispose();
  }
  return server.registry.list(definition, options);
}

/** The object that a request names. */
export function objectName({ target, definition }: ResourceExchange): { namespace?: string; name: string } {
  if (definition.namespaced && target.namespace === '')
    throw badRequest('an empty namespace may not be set when a resource name is provided');
  return { namespace: definition.namespaced ? target.namespace : undefined, name: target.name };
}
