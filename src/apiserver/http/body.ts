import type { IncomingMessage } from 'node:http';
import type { Patch, PatchType } from '../../client/index.ts';
import { apiVersionOf, badRequest, type KubeObject, type Resource, statusFailure } from '../../kube/index.ts';
import { isTooDeep, MAX_DEPTH, TOO_DEEP } from '../registry/depth.ts';
import { modelOfKind } from '../registry/schema/index.ts';
import { parseMediaType, SUPPORTED, unsupportedMediaType } from './media-type.ts';
import {
  hasProtobuf,
  type Kind,
  kindOf,
  objectOfProtobuf,
  PROTOBUF_TYPE,
  WireError,
} from './protobuf/index.ts';
import { JsonSyntaxError, parseJson } from './text/json.ts';
import { goTypeOf, typeProblem } from './text/json-types.ts';
import { YamlSyntaxError } from './text/yaml-error.ts';

const OPEN_BRACE = 0x7b;
/** handlers.maxJSONPatchOperations. */
const MAX_JSON_PATCH_OPERATIONS = 10_000;

/** The most that a request body may have, in bytes (MaxRequestBodyBytes). */
export const MAX_BODY_BYTES = 3 * 1024 * 1024;

const PATCH_TYPES: ReadonlyMap<string, PatchType> = new Map([
  ['application/json-patch+json', 'json'],
  ['application/merge-patch+json', 'merge'],
  ['application/strategic-merge-patch+json', 'strategic'],
  ['application/apply-patch+yaml', 'apply'],
]);

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

/** What a body says, and what it says more than once. */
export interface Decoded<T> extends Repeated {
  readonly value: T;
  /** How many objects and lists stand in one another, where that is known. */
  readonly depth?: number;
}

/** For fieldValidation. */
export interface Repeated {
  /** Paths of a JSON text, e.g. spec.containers[0].name. */
  readonly duplicateFields?: readonly string[];
  /** Of a YAML text, e.g. `line 7: key "a" already set in map`. */
  readonly duplicateKeys?: readonly string[];
}

/**
 * The object in a request body, of the resource's kind; what the body leaves out of apiVersion and kind is filled in,
 * but for custom resources, which have to say what they are.
 * @throws StatusError 400 for what cannot be read, 415 for another media type.
 */
export async function decodeObject(
  body: Buffer,
  contentType: string | undefined,
  resource: Pick<Resource, 'group' | 'version' | 'kind'> & { readonly custom?: object },
  /** The kinds that a subresource takes beside the resource's own, e.g. Binding. */
  accepted?: { readonly apiVersion: string; readonly kind: string },
): Promise<Decoded<KubeObject>> {
  const wanted = accepted ? kindOf(accepted.apiVersion, accepted.kind) : resource;
  const decoded = await decodeValue(body, contentType, wanted);
  // As encoding/json has it, null leaves everything as it was: empty.
  const value = decoded.value ?? {};
  const problem = typeProblem(value);
  if (problem !== undefined)
    throw unrecognized(body, wanted.kind, `couldn't get version/kind; json parse error: ${problem}`);

  const object = value as { apiVersion?: string | null; kind?: string | null };
  const wantedVersion = apiVersionOf(wanted);
  const wantedKind = wanted.kind;
  const isCustom = !accepted && resource.custom !== undefined;
  if (isCustom && !object.kind)
    throw unrecognized(body, wantedKind, `Object 'Kind' is missing in '${body.toString('utf8')}'`);
  const apiVersion = object.apiVersion || (isCustom ? '' : wantedVersion);
  const kind = object.kind || wantedKind;
  if (apiVersion.split('/').length > 2)
    throw unrecognized(body, wantedKind, `unexpected GroupVersion string: ${apiVersion}`);
  if (kind !== wantedKind || (apiVersion !== wantedVersion && isOwn(wanted)))
    throw badRequest(
      `${kind} in version ${JSON.stringify(versionOf(apiVersion))} cannot be handled as a ${wantedKind}: ${noConversion(apiVersion, kind, wanted)}`,
    );
  if (apiVersion !== wantedVersion)
    throw badRequest(
      `the API version in the data (${apiVersion}) does not match the expected API version (${wantedVersion})`,
    );
  const { metadata = null } = value as { metadata?: unknown };
  if (typeof metadata !== 'object' || Array.isArray(metadata))
    throw badRequest(
      `${kind} in version ${JSON.stringify(versionOf(apiVersion))} cannot be handled as a ${kind}: json: cannot unmarshal ${goTypeOf(metadata)} into Go struct field ${kind}.metadata of type v1.ObjectMeta`,
    );
  if (object.apiVersion === apiVersion && object.kind === kind)
    return { ...decoded, value: value as KubeObject };
  return { ...decoded, value: { ...value, apiVersion: wantedVersion, kind: wantedKind } as KubeObject };
}

/** Whether a kind is one of the server's own, which upstream knows by its Go types. */
const isOwn = ({ group, version, kind }: Kind) => modelOfKind(group, version, kind) !== undefined;

/** Why an object of one kind is none of another. */
function noConversion(apiVersion: string, kind: string, wanted: Kind): string {
  const [version = '', group = ''] = apiVersion.split('/').reverse();
  if (modelOfKind(group, version, kind) === undefined)
    return `no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)} in scheme "pkg/api/legacyscheme/scheme.go:30"`;
  const internal = wanted.group.split('.', 1)[0] || 'core';
  return `converting (${version}.${kind}) to (${internal}.${wanted.kind}): unknown conversion`;
}

/**
 * The patch in a request body, of the type that its Content-Type names; objects without Go types take no strategic ones.
 * @throws StatusError 400 for what cannot be read, 413 for too many operations, 415 for another media type
 */
export async function decodePatch(
  body: Buffer,
  contentType: string | undefined,
  { isCustom = false }: { readonly isCustom?: boolean } = {},
): Promise<Decoded<Patch>> {
  const type = PATCH_TYPES.get(parseMediaType(contentType ?? '').type);
  if (isCustom && (!type || type === 'strategic'))
    throw unsupportedMediaType([...PATCH_TYPES.keys()].filter((one) => PATCH_TYPES.get(one) !== 'strategic'));
  if (!type) throw statusFailure(415, 'UnsupportedMediaType', '415: Unsupported Media Type', {});
  try {
    const decoded = type === 'apply' ? await parseYamlOrJson(body) : parseJson(body);
    // How deep the operations of a JSON patch make an object is seen when they are applied.
    if (type !== 'json') refuseDeep(decoded);
    checkPatch(type, decoded.value);
    return { ...decoded, value: { type, body: decoded.value ?? (type === 'json' ? [] : {}) } };
  } catch (error) {
    if (error instanceof YamlSyntaxError)
      throw badRequest(`error decoding YAML: error converting YAML to JSON: ${error.message}`);
    if (error instanceof JsonSyntaxError)
      throw badRequest(type === 'strategic' ? error.message : `error decoding patch: ${error.message}`);
    throw error;
  }
}

/** Any value in a JSON or YAML body, or an object of the kind in a protobuf body. */
export async function decodeValue(
  body: Buffer,
  contentType: string | undefined,
  wanted: Kind,
): Promise<Decoded<unknown>> {
  const type = contentType === undefined ? 'application/json' : parseMediaType(contentType).type;
  if (!SUPPORTED.includes(type) || (type === PROTOBUF_TYPE && !hasProtobuf(wanted)))
    throw unsupportedMediaType(SUPPORTED);
  try {
    const decoded = await decodeBody(body, type, wanted);
    refuseDeep(decoded);
    return decoded;
  } catch (error) {
    if (error instanceof WireError || error instanceof YamlSyntaxError)
      throw unrecognized(body, wanted.kind, error.message);
    if (error instanceof JsonSyntaxError)
      throw unrecognized(body, wanted.kind, `couldn't get version/kind; json parse error: ${error.message}`);
    throw error;
  }
}

function decodeBody(body: Buffer, type: string, wanted: Kind): Decoded<unknown> | Promise<Decoded<unknown>> {
  if (type === PROTOBUF_TYPE) return { value: objectOfProtobuf(body, wanted) };
  return type === 'application/json' ? parseJson(body) : parseYamlOrJson(body);
}

/** The options of a delete. What is wrong with them upstream says without the beginning of the body. */
export async function decodeOptions(
  body: Buffer,
  contentType: string | undefined,
  wanted: Kind,
): Promise<unknown> {
  const type = contentType === undefined ? 'application/json' : parseMediaType(contentType).type;
  if (type !== 'application/json') return (await decodeValue(body, contentType, wanted)).value;
  try {
    return parseJson(body).value;
  } catch (error) {
    if (error instanceof JsonSyntaxError)
      throw badRequest(`couldn't get version/kind; json parse error: ${error.message}`);
    throw error;
  }
}

/** JSON is YAML, and most of what comes as YAML is JSON: the YAML parser is loaded only when it must be. */
async function parseYamlOrJson(body: Buffer): Promise<Decoded<unknown>> {
  if (body[0] === OPEN_BRACE) {
    try {
      const decoded = parseJson(body);
      // Which line they are in only the YAML parser knows.
      if (decoded.duplicateFields.length === 0) return decoded;
    } catch {
      // YAML flow style.
    }
  }
  const { parseYaml } = await import('./text/yaml.ts');
  return parseYaml(body);
}

/** @throws StatusError 400 */
function refuseDeep({ value, depth }: Decoded<unknown>): void {
  if (depth === undefined ? isTooDeep(value) : depth > MAX_DEPTH) throw badRequest(TOO_DEEP);
}

/** @throws StatusError 400 for a patch that is not of its type's form; 413 for one of too many operations. */
function checkPatch(type: PatchType, body: unknown): void {
  if (type === 'json') {
    if (body !== null && !Array.isArray(body))
      throw new JsonSyntaxError(
        `json: cannot unmarshal ${goTypeOf(body)} into Go value of type []handlers.jsonPatchOp`,
      );
    const operations = (body as unknown[] | null)?.length ?? 0;
    if (operations > MAX_JSON_PATCH_OPERATIONS)
      throw statusFailure(
        413,
        'RequestEntityTooLarge',
        `Request entity too large: The allowed maximum operations in a JSON patch is ${MAX_JSON_PATCH_OPERATIONS}, got ${operations}`,
      );
    for (const operation of (body as unknown[] | null) ?? []) checkOperation(operation);
    return;
  }
  if (body === null && type === 'merge') throw badRequest('Invalid JSON Patch');
  if (body === null || (typeof body === 'object' && !Array.isArray(body))) return;
  const problem = `json: cannot unmarshal ${goTypeOf(body)} into Go value of type map[string]interface {}`;
  if (type === 'apply')
    throw badRequest(`error decoding YAML: error unmarshaling JSON: while decoding JSON: ${problem}`);
  throw new JsonSyntaxError(problem);
}

const OPERATION_TEXTS = ['op', 'path', 'from'] as const;

/** @throws JsonSyntaxError for what cannot be read as an operation. Whether it is one is found when it is applied. */
function checkOperation(operation: unknown): void {
  if (operation === null) return;
  if (typeof operation !== 'object' || Array.isArray(operation))
    throw new JsonSyntaxError(
      `json: cannot unmarshal ${goTypeOf(operation)} into Go value of type handlers.jsonPatchOp`,
    );
  for (const name of OPERATION_TEXTS) {
    const value = (operation as Readonly<Record<string, unknown>>)[name] ?? '';
    if (typeof value !== 'string')
      throw new JsonSyntaxError(
        `json: cannot unmarshal ${goTypeOf(value)} into Go struct field jsonPatchOp.${name} of type string`,
      );
  }
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

function versionOf(apiVersion: string): string {
  return apiVersion.slice(apiVersion.indexOf('/') + 1);
}
