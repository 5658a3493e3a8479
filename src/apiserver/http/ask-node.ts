import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { pipeline } from 'node:stream/promises';
import { internalError, type Node } from '../../kube/index.ts';
import { exchangeSignal, type ResourceExchange } from './exchange.ts';

/** As the API server asks nodes for them (--kubelet-preferred-address-types; addresses before names). */
const ADDRESS_TYPES = ['InternalIP', 'ExternalIP', 'Hostname', 'InternalDNS', 'ExternalDNS'];
const DEFAULT_KUBELET_PORT = 10250;

/** Where a node's own server is. */
export interface NodeEndpoint {
  readonly host: string;
  readonly port: number;
}

/** @throws StatusError 500 when the node has no address. */
export function nodeEndpoint(node: Node): NodeEndpoint {
  const addresses = node.status?.addresses ?? [];
  for (const type of ADDRESS_TYPES) {
    const found = addresses.find((address) => address.type === type);
    if (found)
      return {
        host: found.address,
        // A node without a server says 0, which counts as said nothing.
        port: node.status?.daemonEndpoints?.kubeletEndpoint?.Port || DEFAULT_KUBELET_PORT,
      };
  }
  const known = addresses.map((address) => `{${address.type} ${address.address}}`).join(' ');
  throw internalError(`no preferred addresses found; known addresses: [${known}]`);
}

export interface NodeRequest extends NodeEndpoint {
  readonly method?: string | undefined;
  /** With the query. */
  readonly path: string;
  readonly headers?: IncomingHttpHeaders;
  readonly body?: IncomingMessage;
  /** What a node that cannot be reached is told as. */
  unreachable(error: Error): Error;
  /** Begins the response to what the node answered. @throws StatusError to refuse it. */
  begin(answer: IncomingMessage): void | Promise<void>;
}

/** Asks a node's own server, as the API server that it knows, and passes the answer on as it comes. */
export async function passOnFromNode(exchange: ResourceExchange, asked: NodeRequest): Promise<void> {
  const { server, response } = exchange;
  const { body, unreachable, begin, ...where } = asked;
  const { ca, client } = server.kubelet;
  const { signal, dispose } = exchangeSignal(exchange);
  try {
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const options = { ...where, ca, cert: client.cert, key: client.key, agent: false, signal };
      const call = httpsRequest(options, resolve);
      call.on('error', (error) => reject(unreachable(error)));
      if (body) body.pipe(call);
      else call.end();
    });
    await begin(answer);
    // What comes may be silent for long: the client must see that it has begun.
    response.flushHeaders();
    await pipeline(answer, response);
  } catch (error) {
    // Once the answer flows there is no other way to say that it broke off than to break off.
    if (response.headersSent) response.destroy();
    else if (!signal.aborted) throw error;
  } finally {
    dispose();
  }
}
