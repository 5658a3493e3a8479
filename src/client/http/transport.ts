import { Readable } from 'node:stream';
import { createSecureContext } from 'node:tls';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { Pool } from 'undici';
import { TimeoutError, type Timer } from '../../base/index.ts';
import type { HttpClientOptions } from './connection.ts';
import { Exchange } from './exchange.ts';
import { statusErrorOf } from './status-error.ts';

const DEFAULT_TIMEOUT_MS = 60_000;
/** As Go's client has them (net/http DefaultTransport). */
const CONNECT_TIMEOUT_MS = 30_000;
const IDLE_TIMEOUT_MS = 90_000;
/** What a body that nobody reads may hold back. */
const HIGH_WATER_BYTES = 64 * 1024;
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

/** Of an answer that is asked for as a stream, only what is no success is collected. */
interface Answer<Streaming extends boolean> {
  readonly code: number;
  readonly gzipped: boolean;
  readonly body: Streaming extends true ? Buffer | Readable : Buffer;
}

/**
 * HTTP/1.1 over kept connections. A refusal of the server rejects with a StatusError; what keeps it from answering
 * rejects with an Error that names the request; an abort rejects with the signal's reason.
 */
export class Transport {
  readonly #options: HttpClientOptions;
  readonly #base: URL;
  readonly #compress: boolean;
  #pool: Promise<Pool> | undefined;

  constructor(options: HttpClientOptions) {
    this.#options = options;
    this.#base = new URL(options.server);
    // On the same machine bytes are cheaper than compressing them.
    this.#compress = !/^(localhost|127\..*|\[::1\])$/.test(this.#base.hostname);
  }

  /** The answer's JSON. */
  async json(request: TransportRequest): Promise<unknown> {
    const answer = await this.#retry(request, false);
    const text = (await this.#decoded(request, answer)).toString();
    if (answer.code < 200 || answer.code > 299) throw statusErrorOf(answer.code, request.method, text);
    try {
      return text === '' ? undefined : JSON.parse(text);
    } catch (error) {
      throw this.#failure(request, `the answer is not JSON: ${(error as Error).message}`, error);
    }
  }

  /** The answer as it comes; without a time limit. */
  async stream(request: TransportRequest): Promise<Readable> {
    const { code, body } = await this.#retry(request, true);
    if (body instanceof Readable) return body;
    throw statusErrorOf(code, request.method, body.toString());
  }

  /** Closes all connections. */
  close(): void {
    const closing = this.#pool?.then((pool) => pool.destroy());
    closing?.catch(() => undefined);
    this.#pool = undefined;
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

  async #connect(): Promise<Pool> {
    const { ca, cert, key, serverName, insecureSkipTlsVerify } = this.#options;
    const secure = this.#base.protocol === 'https:' && {
      // Made once, for all connections.
      secureContext: createSecureContext({ ca, cert, key }),
      servername: serverName,
      rejectUnauthorized: !insecureSkipTlsVerify,
    };
    const { default: ConnectionPool } = await import('undici/lib/dispatcher/pool.js');
    return new ConnectionPool(this.#base.origin, {
      connections: null,
      pipelining: 1,
      allowH2: false,
      connect: { timeout: CONNECT_TIMEOUT_MS, ...secure },
      keepAliveTimeout: IDLE_TIMEOUT_MS,
      // A watch may be silent for as long as it likes; other requests have a limit of our own clock.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
  }

  /** Once more for a read on a connection that the server closed at the moment of its reuse: nothing is wrong. */
  async #retry<S extends boolean>(request: TransportRequest, streaming: S): Promise<Answer<S>> {
    request.signal?.throwIfAborted();
    const { token } = this.#options;
    const bearer = typeof token === 'function' ? await token() : token;
    this.#pool ??= this.#connect();
    const pool = await this.#pool;
    try {
      return await this.#send(pool, request, bearer, streaming);
    } catch (error) {
      if (!(error instanceof ClosedConnectionError) || request.method !== 'GET') throw error;
      return await this.#send(pool, request, bearer, streaming);
    }
  }

  #send<S extends boolean>(
    pool: Pool,
    request: TransportRequest,
    token: string | undefined,
    streaming: S,
  ): Promise<Answer<S>> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer<boolean>>();
    const { signal } = request;
    const chunks: Buffer[] = [];
    let head = { code: 0, gzipped: false };
    let stream: Readable | undefined;
    const exchange = new Exchange({
      begin(code, headers) {
        head = { code, gzipped: headers['content-encoding'] === 'gzip' };
        if (!streaming || code !== 200) return;
        stream = readableOf(exchange);
        resolve({ ...head, body: stream });
      },
      data(chunk) {
        if (stream) return stream.push(chunk);
        chunks.push(chunk);
        return true;
      },
      end() {
        settle();
        if (stream) stream.push(null);
        else resolve({ ...head, body: joined(chunks) });
      },
      fail: (error, begun) => {
        settle();
        const failure = signal?.aborted ? signal.reason : this.#broken(request, error, begun);
        if (stream) stream.destroy(failure);
        else reject(failure);
      },
    });
    const giveUp = (reason: unknown) => {
      reject(reason);
      exchange.abort(reason instanceof Error ? reason : new Error(String(reason)));
    };
    const onAbort = () => giveUp(signal!.reason);
    signal?.addEventListener('abort', onAbort, { once: true });
    const timer = streaming ? undefined : this.#limit(request, giveUp);
    const settle = () => {
      timer?.cancel();
      signal?.removeEventListener('abort', onAbort);
    };
    pool.dispatch(this.#dispatchOptions(request, token, streaming), exchange);
    return promise as Promise<Answer<S>>;
  }

  #limit(request: TransportRequest, giveUp: (reason: unknown) => void): Timer {
    const limitMs = this.#options.requestTimeoutMs ?? DEFAULT_TIMEOUT_MS;
    const passed = () => giveUp(new TimeoutError(this.#describe(request), limitMs));
    return this.#options.clock.after(limitMs, passed, { unref: true });
  }

  #dispatchOptions(request: TransportRequest, token: string | undefined, streaming: boolean) {
    const { method, path, body, contentType = 'application/json' } = request;
    const headers: Record<string, string> = {
      Accept: 'application/json',
      'User-Agent': this.#options.userAgent,
    };
    if (token) headers.Authorization = `Bearer ${token}`;
    if (body !== undefined) headers['Content-Type'] = contentType;
    if (this.#compress && method === 'GET' && !streaming) headers['Accept-Encoding'] = 'gzip';
    const text = body === undefined ? null : JSON.stringify(body);
    return { method, path: this.#prefixed(path), headers, body: text };
  }

  #broken(request: TransportRequest, error: NodeJS.ErrnoException, begun: boolean): Error {
    if (begun) return this.#failure(request, `the answer broke off: ${reasonOf(error)}`, error);
    const failure = this.#failure(request, reasonOf(error), error);
    if (!CLOSED.has(error.code ?? '')) return failure;
    return new ClosedConnectionError(failure.message, { cause: error });
  }

  async #decoded(request: TransportRequest, { gzipped, body }: Answer<false>): Promise<Buffer> {
    if (!gzipped) return body;
    try {
      return await unzip(body);
    } catch (error) {
      throw this.#failure(request, `the answer cannot be unpacked: ${reasonOf(error as Error)}`, error);
    }
  }
}

function readableOf(exchange: Exchange): Readable {
  return new Readable({
    highWaterMark: HIGH_WATER_BYTES,
    read: () => exchange.resume(),
    destroy(error, done) {
      exchange.abort(error ?? new Error('no longer wanted'));
      done(error);
    },
  });
}

function joined(chunks: readonly Buffer[]): Buffer {
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
}

/** The connection was closed before anything of the answer came. */
class ClosedConnectionError extends Error {}

const CLOSED = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET']);

/** What went wrong; a connection tried on several addresses fails with one error for each. */
function reasonOf(error: Error): string {
  if (error instanceof AggregateError) return error.errors.map((each: Error) => each.message).join('; ');
  return error.message || (error as NodeJS.ErrnoException).code || error.name;
}
