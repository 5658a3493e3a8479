import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { constants, createGzip, gzip } from 'node:zlib';
import { type Status, StatusError } from '../../kube/index.ts';
import { negotiateOutput, type OutputType } from './media-type.ts';
import { PROTOBUF_TYPE, protobufOf } from './protobuf/index.ts';

/** Responses beyond this many bytes are compressed for clients that take gzip (defaultGzipThresholdBytes). */
export const GZIP_THRESHOLD_BYTES = 128 * 1024;
const SHORT_BYTES = 16 * 1024;
/** Upstream's choice: fast rather than small. */
const GZIP_OPTIONS = { level: constants.Z_BEST_SPEED };
const gzipBuffer = promisify(gzip);

/** How the client wants its response. */
export interface ReplyOptions {
  readonly output?: OutputType;
  readonly pretty?: boolean;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * A complete response: protobuf bytes where that is the output, else JSON text, written as it is unless the client wants
 * it pretty, as YAML or compressed.
 */
export async function sendJson(
  request: IncomingMessage,
  response: ServerResponse,
  code: number,
  json: Buffer | string,
  options: ReplyOptions = {},
): Promise<void> {
  let body = typeof json === 'string' ? Buffer.from(json) : json;
  let type = 'application/json';
  if (options.output?.format === 'protobuf') {
    type = PROTOBUF_TYPE;
  } else if (options.output?.format === 'yaml') {
    const { stringify } = await import('yaml');
    body = Buffer.from(stringify(JSON.parse(body.toString('utf8'))));
    type = 'application/yaml';
  } else if (options.pretty) {
    body = Buffer.from(`${JSON.stringify(JSON.parse(body.toString('utf8')), null, 2)}\n`);
  }
  await sendBody(request, response, code, type, body, options.headers);
}

/** A complete response of any type. */
export async function sendBody(
  request: IncomingMessage,
  response: ServerResponse,
  code: number,
  type: string,
  body: Buffer,
  headers?: Readonly<Record<string, string>>,
): Promise<void> {
  const compress = body.length > GZIP_THRESHOLD_BYTES && acceptsGzip(request);
  const content = compress ? await gzipBuffer(body, GZIP_OPTIONS) : body;
  response.writeHead(code, {
    'Content-Type': type,
    'Content-Length': content.length,
    ...(compress ? { 'Content-Encoding': 'gzip', Vary: 'Accept-Encoding' } : undefined),
    ...headers,
  });
  // A short body goes out in one piece with the headers, which a buffer would not.
  if (content.length < SHORT_BYTES) response.end(content.toString('latin1'), 'latin1');
  else response.end(content);
}

/**
 * A response in chunks, no faster than the client takes them. A short one is sent whole.
 * @throws Error when the client goes away.
 */
export async function sendChunks(
  request: IncomingMessage,
  response: ServerResponse,
  chunks: Iterable<Buffer>,
  type = 'application/json',
): Promise<void> {
  const iterator = chunks[Symbol.iterator]();
  const first = iterator.next();
  const second = first.done ? first : iterator.next();
  if (second.done) {
    await sendBody(request, response, 200, type, first.done ? Buffer.alloc(0) : first.value);
    return;
  }
  const compress = acceptsGzip(request);
  response.writeHead(200, {
    'Content-Type': type,
    ...(compress ? { 'Content-Encoding': 'gzip', Vary: 'Accept-Encoding' } : undefined),
  });
  const source = Readable.from(prepend([first.value!, second.value], iterator), { objectMode: false });
  if (compress) await pipeline(source, createGzip(GZIP_OPTIONS), response);
  else await pipeline(source, response);
}

/** A failed request: a metav1.Status body. */
export async function sendError(
  request: IncomingMessage,
  response: ServerResponse,
  error: StatusError,
  headers?: Readonly<Record<string, string>>,
): Promise<void> {
  const retryAfter = error.status.details?.retryAfterSeconds;
  const output = statusOutput(request.headers.accept);
  const body = output.format === 'protobuf' ? protobufOf(error.status) : statusText(error.status);
  await sendJson(request, response, error.code, body, {
    output,
    headers: {
      ...headers,
      ...(retryAfter ? { 'Retry-After': String(retryAfter) } : undefined),
    },
  });
}

/** How a Status is written: as the client wants it, and as JSON when nothing that it wants can be. */
function statusOutput(accept: string | undefined): OutputType {
  try {
    return negotiateOutput(accept, false, true);
  } catch {
    return { format: 'json' };
  }
}

/** The JSON of a Status in upstream's order of fields. */
export function statusText(status: Status): string {
  const { kind, apiVersion, metadata, status: result, message, reason, details, code } = status;
  return `${JSON.stringify({ kind, apiVersion, metadata, status: result, message, reason, details, code })}\n`;
}

/** A value of the Warning header (RFC 7234): code 299, no agent, the text quoted and without control characters. */
export function warningHeader(text: string): string {
  const clean = text.replace(/[\p{Cc}]/gu, ' ').replace(/[\\"]/g, '\\$&');
  // Headers are bytes: as Go does, the UTF-8 of the text.
  return Buffer.from(`299 - "${clean}"`).toString('latin1');
}

/** The StatusError that a client gets for anything thrown. */
export function asStatusError(error: unknown, internal: (message: string) => StatusError): StatusError {
  if (error instanceof StatusError) return error;
  return internal(error instanceof Error ? error.message : String(error));
}

function acceptsGzip(request: IncomingMessage): boolean {
  const header = request.headers['accept-encoding'];
  return typeof header === 'string' && /(^|[,\s])gzip(?!\s*;\s*q=0(\.0*)?\s*(,|$))/.test(header);
}

function* prepend(head: readonly Buffer[], rest: Iterator<Buffer>): Generator<Buffer> {
  yield* head;
  for (let next = rest.next(); !next.done; next = rest.next()) yield next.value;
}
