import type { ResourceDefinition } from '../../registry/contract.ts';
import { VERSION_INFO } from '../version.ts';
import { type Operation, type Path, pathsOf } from './operations.ts';
import type { Schema, SchemaSet } from './schemas.ts';

/** A part of a document: plain JSON. */
export type Json = { readonly [key: string]: unknown };

const INFO = { title: 'Kubernetes', version: VERSION_INFO.gitVersion };
const CUSTOM_PATCH_TYPES = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/apply-patch+yaml',
];
const PATCH_TYPES = [...CUSTOM_PATCH_TYPES, 'application/strategic-merge-patch+json'];
const patchTypesOf = ({ isCustom }: Operation) => (isCustom ? CUSTOM_PATCH_TYPES : PATCH_TYPES);

/** The document of OpenAPI v2: everything that is served. */
export function documentV2(definitions: readonly ResourceDefinition[], set: SchemaSet): Json {
  const schemas: Record<string, Json> = {};
  for (const [name, schema] of set.schemas) schemas[name] = schemaV2(schema);
  const paths: Record<string, Json> = {};
  for (const path of definitions.flatMap(pathsOf)) paths[path.path] = pathV2(path, set);
  return { swagger: '2.0', info: INFO, paths, definitions: schemas };
}

/** What the schemas of kinds that were defined at run time refer to. */
const META_REFS = ['ObjectMeta', 'ListMeta'].map((name) => `io.k8s.apimachinery.pkg.apis.meta.v1.${name}`);

/** The document of OpenAPI v3 of one group and version. */
export function documentV3(definitions: readonly ResourceDefinition[], set: SchemaSet): Json {
  const paths: Record<string, Json> = {};
  for (const path of definitions.flatMap(pathsOf)) paths[path.path] = pathV3(path, set);
  const schemas: Record<string, Json> = {};
  const visit = (name: string): void => {
    const schema = set.schemas.get(name);
    if (!schema || Object.hasOwn(schemas, name)) return;
    schemas[name] = schemaV3(schema);
    for (const ref of refsOf(schema)) visit(ref);
  };
  for (const definition of definitions) {
    if (definition.custom) for (const name of META_REFS) visit(name);
    visit(set.nameOf(definition));
    visit(`${set.nameOf(definition)}List`);
  }
  return { openapi: '3.0.0', info: INFO, paths, components: { schemas } };
}

function schemaV2(schema: Schema): Json {
  if (schema.custom) return schema.custom.v2;
  return compact({
    description: schema.description,
    type: schema.type,
    format: schema.format,
    enum: schema.enum,
    $ref: schema.ref && `#/definitions/${schema.ref}`,
    items: schema.items && schemaV2(schema.items),
    additionalProperties: schema.additionalProperties && schemaV2(schema.additionalProperties),
    properties: schema.properties && mapValues(schema.properties, schemaV2),
    required: schema.required,
    ...schema.extensions,
  });
}

function schemaV3(schema: Schema): Json {
  if (schema.custom) return schema.custom.v3;
  const ref = schema.ref && { $ref: `#/components/schemas/${schema.ref}` };
  // A reference beside a description would hide it: version 3.0 wants it wrapped.
  const wrapped =
    ref &&
    (schema.description !== undefined || schema.extensions !== undefined || schema.default !== undefined);
  return compact({
    description: schema.description,
    type: schema.oneOf ? undefined : schema.type,
    format: schema.format,
    enum: schema.enum,
    default: schema.default,
    oneOf: schema.oneOf?.map(schemaV3),
    ...(ref && !wrapped ? ref : undefined),
    allOf: wrapped ? [ref] : undefined,
    items: schema.items && schemaV3(schema.items),
    additionalProperties: schema.additionalProperties && schemaV3(schema.additionalProperties),
    properties: schema.properties && mapValues(schema.properties, schemaV3),
    required: schema.required,
    ...schema.extensions,
  });
}

function pathV2({ parameters, operations }: Path, set: SchemaSet): Json {
  const methods = operations.map((operation) => {
    const ref = { $ref: `#/definitions/${answerName(operation, set)}` };
    const body = hasBody(operation)
      ? [{ name: 'body', in: 'body', required: true, schema: bodyV2(operation, set) }]
      : [];
    return [
      operation.method,
      {
        description: operation.id,
        operationId: operation.id,
        consumes: operation.method === 'patch' ? patchTypesOf(operation) : ['*/*'],
        produces: ['application/json', 'application/yaml'],
        parameters: [
          ...body,
          ...operation.queries.map(({ name, type }) => ({ name, in: 'query', type, uniqueItems: true })),
        ],
        responses: { 200: { description: 'OK', schema: ref }, 401: { description: 'Unauthorized' } },
        'x-kubernetes-action': operation.action,
        'x-kubernetes-group-version-kind': operation.kind,
      },
    ];
  });
  return {
    ...Object.fromEntries(methods),
    parameters: parameters.map((name) => ({
      name,
      in: 'path',
      required: true,
      type: 'string',
      uniqueItems: true,
    })),
  };
}

function bodyV2(operation: Operation, set: SchemaSet): Json {
  if (operation.method === 'patch') return { type: 'object' };
  return { $ref: `#/definitions/${set.nameOf(operation.kind)}` };
}

function pathV3({ parameters, operations }: Path, set: SchemaSet): Json {
  const methods = operations.map((operation) => {
    const content = (name: string) => ({ schema: { $ref: `#/components/schemas/${name}` } });
    const body = hasBody(operation)
      ? {
          required: true,
          content:
            operation.method === 'patch'
              ? Object.fromEntries(
                  patchTypesOf(operation).map((type) => [type, { schema: { type: 'object' } }]),
                )
              : { '*/*': content(set.nameOf(operation.kind)) },
        }
      : undefined;
    const answer = content(answerName(operation, set));
    return [
      operation.method,
      compact({
        description: operation.id,
        operationId: operation.id,
        parameters: operation.queries.map(({ name, type }) => ({
          name,
          in: 'query',
          schema: { type, uniqueItems: true },
        })),
        requestBody: body,
        responses: {
          200: { description: 'OK', content: { 'application/json': answer, 'application/yaml': answer } },
          401: { description: 'Unauthorized' },
        },
        'x-kubernetes-action': operation.action,
        'x-kubernetes-group-version-kind': operation.kind,
      }),
    ];
  });
  return {
    ...Object.fromEntries(methods),
    parameters: parameters.map((name) => ({
      name,
      in: 'path',
      required: true,
      schema: { type: 'string', uniqueItems: true },
    })),
  };
}

function answerName(operation: Operation, set: SchemaSet): string {
  const name = set.nameOf(operation.kind);
  return operation.list ? `${name}List` : name;
}

function hasBody(operation: Operation): boolean {
  return operation.method === 'post' || operation.method === 'put' || operation.method === 'patch';
}

function* refsOf(schema: Schema): Generator<string> {
  if (schema.ref) yield schema.ref;
  if (schema.items) yield* refsOf(schema.items);
  if (schema.additionalProperties) yield* refsOf(schema.additionalProperties);
  for (const property of Object.values(schema.properties ?? {})) yield* refsOf(property);
}

function mapValues<T>(record: Readonly<Record<string, T>>, change: (value: T) => Json): Json {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
}

function compact(json: Json): Json {
  return Object.fromEntries(Object.entries(json).filter(([, value]) => value !== undefined));
}
