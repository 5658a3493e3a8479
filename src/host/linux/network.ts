import { once } from 'node:events';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect } from 'node:net';
import { type Clock, httpRequest, TimeoutError } from '../../base/index.ts';
import type { HttpAnswer, Network } from '../host.ts';
import { grpcHealth } from './grpc-health.ts';

/** The most of an answer that is read (the kubelet's maxRespBodyLength). */
const MAX_BODY_BYTES = 10 * 1024;

export function createNetwork(clock: Clock): Network {
  return {
    connect(host, port, { timeoutMs }) {
      const socket = connect({ host, port });
      return limited(clock, timeoutMs, `dial tcp ${host}:${port}`, socket, (resolve) => {
        socket.once('connect', () => resolve());
      });
    },
    async open(host, port) {
      const socket = connect({ host, port, allowHalfOpen: true });
      await once(socket, 'connect');
      return socket;
    },
    grpcHealth: (host, port, service, options) => grpcHealth(clock, host, port, service, options),
    httpGet({ secure, host, port, path }, { timeoutMs, headers }) {
      const options = { host, port, path, headers, agent: false, rejectUnauthorized: false };
      const call: ClientRequest = (secure ? httpsRequest : httpRequest)(options);
      const what = `Get "${secure ? 'https' : 'http'}://${host}:${port}${path}"`;
      return limited(clock, timeoutMs, what, call, (resolve) => {
        call.once('response', (response) => readAnswer(response, resolve));
        call.end();
      });
    },
  };
}

function readAnswer(response: IncomingMessage, resolve: (answer: HttpAnswer) => void): void {
  const chunks: Buffer[] = [];
  let size = 0;
  const done = () => {
    const body = Buffer.concat(chunks).subarray(0, MAX_BODY_BYTES).toString('utf8');
    const { location } = response.headers;
    resolve({ statusCode: response.statusCode ?? 0, body, ...(location !== undefined && { location }) });
  };
  response.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    size += chunk.length;
    if (size >= MAX_BODY_BYTES) done();
  });
  response.once('end', done);
}

/** Ends the connection when the work is done, has failed, or has taken too long. */
async function limited<T>(
  clock: Clock,
  timeoutMs: number,
  what: string,
  connection: { destroy(): void; on(event: 'error', listener: (error: Error) => void): unknown },
  work: (resolve: (value: T) => void) => void,
): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const timer = clock.after(timeoutMs, () => reject(new TimeoutError(what, timeoutMs)));
  connection.on('error', reject);
  work(resolve);
  try {
    return await promise;
  } finally {
    timer.cancel();
    connection.destroy();
  }
}
