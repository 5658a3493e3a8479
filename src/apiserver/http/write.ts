import type { ObjectName, Patch } from '../../client/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import { badRequest, isNotFound } from '../../kube/index.ts';
import type { Entry, RequestContext } from '../registry/contract.ts';
import { type Decoded, decodeObject, decodeOptions, decodePatch, type Repeated, readBody } from './body.ts';
import { type ResourceExchange, Warnings, wantsPretty } from './exchange.ts';
import { listChunks, listMetadata } from './list-text.ts';
import type { OutputType } from './media-type.ts';
import { listProtobuf, PROTOBUF_TYPE } from './protobuf/index.ts';
import {
  deleteOptions,
  fieldManagerOf,
  readParameters,
  type WriteParameters,
  writeParameters,
} from './query.ts';
import { objectName } from './read.ts';
import { sendChunks, sendJson, warningHeader } from './send.ts';
import { SUBRESOURCE_KINDS } from './subresources.ts';
import { includeObjectOf, objectText, outputOf, valueText, writtenOutputOf } from './transform.ts';

/** POST to a collection. */
export async function serveCreate(exchange: ResourceExchange): Promise<void> {
  const { server, request, definition, target, query } = exchange;
  const output = writtenOutputOf(exchange);
  const parameters = writeParameters(query, 'CreateOptions');
  const body = await readBody(request);
  const decoded = await decodeObject(body, request.headers['content-type'], definition);
  const object = decoded.value;
  const placed = definition.namespaced ? withRequestNamespace(object, target.namespace) : object;
  const warnings = new Warnings();
  const entry = await server.registry.create(
    definition,
    placed,
    context(exchange, parameters, warnings, decoded),
  );
  await sendEntry(exchange, 201, entry, output, warnings);
}

/** The kind of an update's body, where it is not the object's. */
function bodyKind({ subresource }: ResourceExchange['target']) {
  return subresource === 'scale' ? SUBRESOURCE_KINDS.scale : undefined;
}

/** PUT of an object or of a subresource. */
export async function serveUpdate(exchange: ResourceExchange): Promise<void> {
  const { server, request, definition, target, query } = exchange;
  const output = writtenOutputOf(exchange);
  const parameters = writeParameters(query, 'UpdateOptions');
  const name = objectName(exchange);
  const body = await readBody(request);
  const decoded = await decodeObject(body, request.headers['content-type'], definition, bodyKind(target));
  const object = decoded.value;
  const placed = definition.namespaced ? withRequestNamespace(object, target.namespace) : object;
  checkName(placed, target.name);
  const warnings = new Warnings();
  const makes = target.subresource === '' && definition.strategy.createsOnUpdate && isAbsent(exchange, name);
  const entry = await server.registry.update(
    definition,
    name,
    placed,
    context(exchange, parameters, warnings, decoded),
    target.subresource || undefined,
  );
  await sendEntry(exchange, makes ? 201 : 200, entry, output, warnings);
}

/** PATCH of an object or of a subresource. */
export async function servePatch(exchange: ResourceExchange): Promise<void> {
  const { server, request, definition, target, query } = exchange;
  const output = writtenOutputOf(exchange);
  const name = objectName(exchange);
  const decoded = await decodePatch(await readBody(request), request.headers['content-type'], {
    isCustom: definition.custom !== undefined,
  });
  const patch = decoded.value;
  const parameters = writeParameters(query, 'PatchOptions', patch.type === 'apply');
  const warnings = new Warnings();
  if (patch.type === 'apply') reportDuplicateKeys(decoded, parameters, warnings);
  const makes = patch.type === 'apply' && isAbsent(exchange, name);
  const entry = await server.registry.patch(
    definition,
    name,
    patch,
    context(exchange, parameters, warnings, problemsOf(decoded)),
    { subresource: target.subresource || undefined, force: parameters.force },
  );
  await sendEntry(exchange, makes ? 201 : 200, entry, output, warnings);
}

/** An apply's text is read before its object: what it says twice is refused in the parser's words. @throws StatusError 400 */
function reportDuplicateKeys(
  { duplicateKeys = [] }: Repeated,
  { fieldValidation }: WriteParameters,
  warnings: Warnings,
): void {
  if (duplicateKeys.length === 0 || fieldValidation === 'Ignore') return;
  if (fieldValidation === 'Strict')
    throw badRequest(
      `error strict decoding YAML: error converting YAML to JSON: yaml: unmarshal errors:\n  ${duplicateKeys.join('\n  ')}`,
    );
  for (const text of duplicateKeys) warnings.add(text);
}

/** What fieldValidation looks at in a patch: a JSON patch's own fields are told as the patch's. */
function problemsOf({ value, duplicateFields = [] }: Decoded<Patch>): Problems {
  if (value.type !== 'json') return { duplicateFields: value.type === 'apply' ? [] : duplicateFields };
  const unknown = (value.body as readonly (object | null)[]).flatMap((operation, index) =>
    Object.keys(operation ?? {})
      .filter((name) => !OPERATION_FIELDS.has(name))
      .map((name) => `json patch unknown field "[${index}].${name}"`),
  );
  return {
    patchProblems: [...duplicateFields.map((path) => `json patch duplicate field "${path}"`), ...unknown],
  };
}

type Problems = Pick<RequestContext, 'duplicateFields' | 'duplicateKeys' | 'patchProblems'>;
const OPERATION_FIELDS: ReadonlySet<string> = new Set(['op', 'path', 'from', 'value']);

/** DELETE of an object: the object, or a Status where upstream sends one. */
export async function serveDelete(exchange: ResourceExchange): Promise<void> {
  const { server, request, response, definition, target, query } = exchange;
  const output = writtenOutputOf(exchange);
  const name = objectName(exchange);
  const options = deleteOptions(query, await optionalBody(exchange));
  const warnings = new Warnings();
  const { entry, finished } = await server.registry.delete(
    definition,
    name,
    options,
    context(exchange, options, warnings),
  );
  if (!finished || RETURNS_DELETED.has(`${definition.group}/${definition.plural}`))
    return sendEntry(exchange, !finished && options.cascades ? 202 : 200, entry, output, warnings);
  const status = {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    details: {
      name: target.name,
      group: definition.group || undefined,
      kind: definition.plural,
      uid: entry.object.metadata.uid,
    },
  };
  await sendJson(request, response, 200, valueText(status, output), {
    output,
    pretty: wantsPretty({ query, request }),
    headers: warningHeaders(warnings),
  });
}

/** DELETE of a collection: the list of what was deleted or now waits. */
export async function serveDeleteCollection(exchange: ResourceExchange): Promise<void> {
  const { server, request, response, definition, target, query } = exchange;
  const output = outputOf(exchange, false);
  const { list: selection } = readParameters(query, false);
  const options = deleteOptions(query, await optionalBody(exchange));
  const entries = await server.registry.deleteCollection(
    definition,
    { ...selection, namespace: target.namespace || undefined },
    options,
    context(exchange, options, new Warnings()),
  );
  const list = { entries, revision: server.registry.revision() };
  if (output.format === 'protobuf')
    return sendChunks(request, response, listProtobuf(definition, list, listMetadata(list)), PROTOBUF_TYPE);
  await sendChunks(request, response, listChunks(definition, list));
}

/** POST to a subresource: pods/binding, pods/eviction, serviceaccounts/token. */
export async function serveCreateSubresource(exchange: ResourceExchange): Promise<void> {
  const { server, request, response, definition, target, query } = exchange;
  const output = outputOf(exchange, false);
  const parameters = writeParameters(query, 'CreateOptions');
  const accepted = SUBRESOURCE_KINDS[target.subresource];
  const name = objectName(exchange);
  const body = await readBody(request);
  const decoded = await decodeObject(body, request.headers['content-type'], definition, accepted);
  const object = decoded.value;
  const warnings = new Warnings();
  const result = await server.registry.createSubresource(
    definition,
    name,
    target.subresource,
    definition.namespaced ? withRequestNamespace(object, target.namespace) : object,
    context(exchange, parameters, warnings),
  );
  await sendJson(request, response, 201, valueText(result, output), {
    output,
    pretty: wantsPretty({ query, request }),
    headers: warningHeaders(warnings),
  });
}

/** Resources whose storage has ReturnDeletedObject; the others answer a finished delete with a Status. */
const RETURNS_DELETED: ReadonlySet<string> = new Set([
  '/namespaces',
  '/persistentvolumeclaims',
  '/persistentvolumes',
  '/pods',
  '/podtemplates',
  '/resourcequotas',
  '/serviceaccounts',
  '/services',
  'storage.k8s.io/csidrivers',
  'storage.k8s.io/csinodes',
  'storage.k8s.io/storageclasses',
  'storage.k8s.io/volumeattachments',
  'storage.k8s.io/volumeattributesclasses',
]);

function context(
  { user, request }: ResourceExchange,
  parameters: Partial<WriteParameters>,
  warnings: Warnings,
  problems: Problems = {},
): RequestContext {
  return {
    user,
    dryRun: parameters.dryRun,
    fieldManager: fieldManagerOf(parameters, request.headers['user-agent']),
    fieldValidation: parameters.fieldValidation,
    duplicateFields: problems.duplicateFields,
    duplicateKeys: problems.duplicateKeys,
    patchProblems: problems.patchProblems,
    warn: warnings.add,
  };
}

async function sendEntry(
  exchange: ResourceExchange,
  code: number,
  entry: Entry,
  output: OutputType,
  warnings: Warnings,
): Promise<void> {
  const { server, request, response, definition, query } = exchange;
  const text =
    output.transform === undefined && output.format !== 'protobuf'
      ? entry.json()
      : objectText(definition, entry, output, includeObjectOf(query, output), server.clock.now());
  await sendJson(request, response, code, text, {
    output,
    pretty: wantsPretty({ query, request }),
    headers: warningHeaders(warnings),
  });
}

function warningHeaders(warnings: Warnings): Record<string, string> | undefined {
  return warnings.texts.length === 0 ? undefined : { Warning: warnings.texts.map(warningHeader).join(', ') };
}

const DELETE_OPTIONS = { group: 'meta.k8s.io', version: 'v1', kind: 'DeleteOptions' };

/** The delete options in the body, when there is one. */
async function optionalBody({ request }: ResourceExchange): Promise<unknown> {
  const body = await readBody(request);
  if (body.length === 0) return undefined;
  return decodeOptions(body, request.headers['content-type'], DELETE_OPTIONS);
}

/** The object in the namespace of the request. @throws StatusError 400 when it names another. */
function withRequestNamespace<T extends KubeObject>(object: T, namespace: string): T {
  const own = object.metadata?.namespace;
  if (own === namespace) return object;
  if (own)
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  return { ...object, metadata: { ...object.metadata, namespace } };
}

/** @throws StatusError 400 when the object is not the one that the path names. */
function checkName(object: KubeObject, name: string): void {
  const own = object.metadata?.name;
  if (!own)
    throw badRequest(
      `the name of the object (${name} based on URL) was undeterminable: name must be provided`,
    );
  if (own !== name)
    throw badRequest(`the name of the object (${own}) does not match the name on the URL (${name})`);
}

/** Whether an apply or a PUT is about to make its object: the answer is then 201. */
function isAbsent({ server, definition }: ResourceExchange, name: ObjectName): boolean {
  try {
    server.registry.get(definition, name);
    return false;
  } catch (error) {
    return isNotFound(error);
  }
}
