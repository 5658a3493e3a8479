import type { IncomingMessage } from 'node:http';
import type { Patch, PatchType } from '../../client/index.ts';
import { apiVersionOf, badRequest, type KubeObject, type Resource, statusFailure } from '../../kube/index.ts';
import { parseMediaType, SUPPORTED, unsupportedMediaType } from './media-type.ts';
import {
  hasProtobuf,
  type Kind,
  kindOf,
  objectOfProtobuf,
  PROTOBUF_TYPE,
  WireError,
} from './protobuf/index.ts';

/** The most that a request body may have, in bytes (MaxRequestBodyBytes). */
export const MAX_BODY_BYTES = 3 * 1024 * 1024;

const PATCH_TYPES: Readonly<Record<string, PatchType>> = {
  'application/json-patch+json': 'json',
  'application/merge-patch+json': 'merge',
  'application/strategic-merge-patch+json': 'strategic',
  'application/apply-patch+yaml': 'apply',
};

/** @throws StatusError 413 past `limitBytes`; Error when the client goes away. */
export function readBody(request: IncomingMessage, limitBytes = MAX_BODY_BYTES): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= limitBytes) {
        chunks.push(chunk);
        return;
      }
      request.removeAllListeners('data');
      request.resume();
      reject(statusFailure(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${limitBytes}`));
    });
    request.on('end', () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)));
    request.on('error', reject);
    request.on('close', () => {
      // It comes after every request; an error is dear to make.
      if (!request.complete)
        reject(new Error('the client closed the connection before its body was complete'));
    });
  });
}

/**
 * The object in a request body, of the resource's kind; what the body leaves out of apiVersion and kind is filled in.
 * @throws StatusError 400 for what cannot be read, 415 for another media type.
 */
export async function decodeObject(
  body: Buffer,
  contentType: string | undefined,
  resource: Pick<Resource, 'group' | 'version' | 'kind'>,
  /** The kinds that a subresource takes beside the resource's own, e.g. Binding. */
  accepted?: { readonly apiVersion: string; readonly kind: string },
): Promise<KubeObject> {
  const wanted = accepted ? kindOf(accepted.apiVersion, accepted.kind) : resource;
  const value = await decodeValue(body, contentType, wanted);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw unrecognized(body, wanted.kind, 'the body is not an object');

  const object = value as { apiVersion?: unknown; kind?: unknown };
  const wantedVersion = apiVersionOf(wanted);
  const wantedKind = wanted.kind;
  const { apiVersion = wantedVersion, kind = wantedKind } = object;
  if (kind !== wantedKind)
    throw badRequest(
      `${kind} in version ${JSON.stringify(versionOf(apiVersion))} cannot be handled as a ${wantedKind}: no conversion from ${kind} to ${wantedKind}`,
    );
  if (apiVersion !== wantedVersion)
    throw badRequest(
      `the API version in the data (${apiVersion}) does not match the expected API version (${wantedVersion})`,
    );
  if (object.apiVersion === apiVersion && object.kind === kind) return value as KubeObject;
  return { apiVersion: wantedVersion, kind: wantedKind, ...value } as KubeObject;
}

/** The patch in a request body, of the type that its Content-Type names. */
export async function decodePatch(body: Buffer, contentType: string | undefined): Promise<Patch> {
  const type = PATCH_TYPES[parseMediaType(contentType ?? '').type];
  if (!type) throw unsupportedMediaType(Object.keys(PATCH_TYPES));
  try {
    return { type, body: type === 'apply' ? await parseYaml(body) : parseJson(body) };
  } catch (error) {
    const format = type === 'apply' ? 'YAML' : 'patch';
    throw badRequest(`error decoding ${format}: ${(error as Error).message}`);
  }
}

/** Any value in a JSON or YAML body, or an object of the kind in a protobuf body. */
export async function decodeValue(
  body: Buffer,
  contentType: string | undefined,
  wanted: Kind,
): Promise<unknown> {
  const type = contentType === undefined ? 'application/json' : parseMediaType(contentType).type;
  if (!SUPPORTED.includes(type) || (type === PROTOBUF_TYPE && !hasProtobuf(wanted)))
    throw unsupportedMediaType(SUPPORTED);
  try {
    if (type === PROTOBUF_TYPE) return objectOfProtobuf(body, wanted);
    return type === 'application/json' ? parseJson(body) : await parseYaml(body);
  } catch (error) {
    if (type === PROTOBUF_TYPE)
      throw error instanceof WireError ? unrecognized(body, wanted.kind, error.message) : error;
    const format = type === 'application/json' ? 'json' : 'yaml';
    throw unrecognized(
      body,
      wanted.kind,
      `couldn't get version/kind; ${format} parse error: ${(error as Error).message}`,
    );
  }
}

function parseJson(body: Buffer): unknown {
  return JSON.parse(body.toString('utf8'));
}

/** JSON is YAML, and most of what comes as YAML is JSON: the YAML parser is loaded only when it must be. */
async function parseYaml(body: Buffer): Promise<unknown> {
  const text = body.toString('utf8');
  if (text.trimStart().startsWith('{')) {
    try {
      return JSON.parse(text);
    } catch {
      // YAML flow style.
    }
  }
  const { parse } = await import('yaml');
  return parse(text);
}

function unrecognized(body: Buffer, kind: string, why: string) {
  return badRequest(
    `the object provided is unrecognized (must be of type ${kind}): ${why} (${summarize(body)})`,
  );
}

/** The beginning of a body for an error message: text when it may be JSON, else hexadecimal. */
function summarize(body: Buffer): string {
  if (body.length === 0) return '<empty>';
  const start = body.subarray(0, 30);
  const text = body[0] === 0x7b ? start.toString('utf8') : start.toString('hex');
  return body.length > 30 ? `${text} ...` : text;
}

function versionOf(apiVersion: unknown): string {
  return typeof apiVersion === 'string' ? apiVersion.slice(apiVersion.indexOf('/') + 1) : '';
}
