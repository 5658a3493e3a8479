import type { ClientRequest, IncomingMessage } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import { createSecureContext } from 'node:tls';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { httpRequest, TimeoutError } from '../../base/index.ts';
import type { HttpClientOptions } from './connection.ts';
import { statusErrorOf } from './status-error.ts';

const DEFAULT_TIMEOUT_MS = 60_000;
const unzip = promisify(gunzip);

export interface TransportRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** With its query. */
  readonly path: string;
  readonly body?: unknown;
  /** @default application/json */
  readonly contentType?: string;
  readonly signal?: AbortSignal;
}

/**
 * HTTP/1.1 over kept connections. A refusal of the server rejects with a StatusError; what keeps it from answering
 * rejects with an Error that names the request; an abort rejects with the signal's reason.
 */
export class Transport {
  readonly #options: HttpClientOptions;
  readonly #base: URL;
  readonly #agent: Agent | undefined;
  readonly #compress: boolean;
  readonly #target: { protocol: string; hostname: string; port: string | undefined };

  constructor(options: HttpClientOptions) {
    this.#options = options;
    this.#base = new URL(options.server);
    this.#target = {
      protocol: this.#base.protocol,
      // URL keeps the brackets of an IPv6 address.
      hostname: this.#base.hostname.replace(/^\[|\]$/g, ''),
      port: this.#base.port || undefined,
    };
    const { ca, cert, key, serverName, insecureSkipTlsVerify } = options;
    if (this.#base.protocol === 'https:') {
      this.#agent = new Agent({
        keepAlive: true,
        scheduling: 'lifo',
        // Made once. The agent finds a request's connections by a key made of its options, several times a request:
        // the texts of three certificates in it would be a fifth of the request's cost.
        secureContext: createSecureContext({ ca, cert, key }),
        servername: serverName,
        rejectUnauthorized: !insecureSkipTlsVerify,
      });
    }
    // On the same machine bytes are cheaper than compressing them.
    this.#compress = !/^(localhost|127\..*|\[::1\])$/.test(this.#base.hostname);
  }

  /** The answer's JSON. */
  async json(request: TransportRequest): Promise<unknown> {
    const { code, body } = await this.#retry(request, (token) => this.#collect(request, token));
    if (code < 200 || code > 299) throw statusErrorOf(code, request.method, body);
    try {
      return body === '' ? undefined : JSON.parse(body);
    } catch (error) {
      throw this.#failure(request, `the answer is not JSON: ${(error as Error).message}`, error);
    }
  }

  /** The answer as it comes; without a time limit. */
  async stream(request: TransportRequest): Promise<IncomingMessage> {
    const response = await this.#retry(
      request,
      (token) =>
        new Promise<IncomingMessage>((resolve, reject) => {
          this.#open(request, token, resolve, reject);
        }),
    );
    const code = response.statusCode ?? 0;
    if (code === 200) return response;
    const chunks: Buffer[] = [];
    for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
    throw statusErrorOf(code, request.method, (await decodeBody(response, chunks)).toString());
  }

  /** Closes the connections that wait for requests. */
  close(): void {
    this.#agent?.destroy();
  }

  /** e.g. GET https://127.0.0.1:6443/api/v1/pods */
  #describe({ method, path }: TransportRequest): string {
    return `${method} ${this.#base.origin}${this.#prefixed(path)}`;
  }

  #prefixed(path: string): string {
    return this.#base.pathname === '/' ? path : this.#base.pathname.replace(/\/$/, '') + path;
  }

  #failure(request: TransportRequest, why: string, cause: unknown): Error {
    return new Error(`${this.#describe(request)}: ${why}`, { cause });
  }

  /** Once more for a read on a connection that the server closed at the moment of its reuse: nothing is wrong. */
  async #retry<R>(request: TransportRequest, send: (token: string | undefined) => Promise<R>): Promise<R> {
    request.signal?.throwIfAborted();
    const { token } = this.#options;
    const bearer = typeof token === 'function' ? await token() : token;
    try {
      return await send(bearer);
    } catch (error) {
      if (!(error instanceof ReusedSocketError) || request.method !== 'GET') throw error;
      return await send(bearer);
    }
  }

  /** The whole answer as text, within the time limit. */
  #collect(request: TransportRequest, token: string | undefined): Promise<{ code: number; body: string }> {
    return new Promise((resolve, reject) => {
      const limitMs = this.#options.requestTimeoutMs ?? DEFAULT_TIMEOUT_MS;
      const fail = (error: unknown) => {
        timer.cancel();
        reject(error);
      };
      const outgoing = this.#open(
        request,
        token,
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('error', (error) =>
            fail(
              request.signal?.aborted
                ? request.signal.reason
                : this.#failure(request, `the answer broke off: ${reasonOf(error)}`, error),
            ),
          );
          response.on('end', () => {
            timer.cancel();
            if (!response.headers['content-encoding'])
              return resolve({ code: response.statusCode ?? 0, body: joined(chunks).toString() });
            decodeBody(response, chunks).then(
              (body) => resolve({ code: response.statusCode ?? 0, body: body.toString() }),
              (error) =>
                fail(this.#failure(request, `the answer cannot be unpacked: ${reasonOf(error)}`, error)),
            );
          });
        },
        fail,
      );
      const timer = this.#options.clock.after(
        limitMs,
        () => {
          reject(new TimeoutError(this.#describe(request), limitMs));
          outgoing.destroy();
        },
        { unref: true },
      );
    });
  }

  #open(
    request: TransportRequest,
    token: string | undefined,
    resolve: (response: IncomingMessage) => void,
    reject: (error: unknown) => void,
  ): ClientRequest {
    const { method, path, body, contentType = 'application/json', signal } = request;
    // A string goes out in one piece with the headers.
    const content = body === undefined ? undefined : JSON.stringify(body);
    const headers: Record<string, string | number> = {
      Accept: 'application/json',
      'User-Agent': this.#options.userAgent,
    };
    if (token) headers.Authorization = `Bearer ${token}`;
    if (content !== undefined) {
      headers['Content-Type'] = contentType;
      headers['Content-Length'] = Buffer.byteLength(content);
    }
    if (this.#compress && method === 'GET') headers['Accept-Encoding'] = 'gzip';
    const call = this.#agent ? httpsRequest : httpRequest;
    const outgoing = call(
      { ...this.#target, path: this.#prefixed(path), method, agent: this.#agent, headers },
      resolve,
    );
    if (signal) {
      const abort = () => outgoing.destroy();
      signal.addEventListener('abort', abort, { once: true });
      outgoing.on('close', () => signal.removeEventListener('abort', abort));
    }
    outgoing.on('error', (error: NodeJS.ErrnoException) => {
      if (signal?.aborted) return reject(signal.reason);
      const reused = outgoing.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
      const failure = this.#failure(request, reasonOf(error), error);
      reject(reused ? new ReusedSocketError(failure.message, { cause: error }) : failure);
    });
    outgoing.end(content);
    return outgoing;
  }
}

async function decodeBody(response: IncomingMessage, chunks: readonly Buffer[]): Promise<Buffer> {
  const body = joined(chunks);
  return response.headers['content-encoding'] === 'gzip' ? unzip(body) : body;
}

function joined(chunks: readonly Buffer[]): Buffer {
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
}

class ReusedSocketError extends Error {}

/** What went wrong; a connection tried on several addresses fails with one error for each. */
function reasonOf(error: Error): string {
  if (error instanceof AggregateError) return error.errors.map((each: Error) => each.message).join('; ');
  return error.message || (error as NodeJS.ErrnoException).code || error.name;
}
