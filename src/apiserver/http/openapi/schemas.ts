import type { ResourceDefinition } from '../../registry/contract.ts';
import {
  type Field,
  type FieldType,
  findModel,
  type Model,
  modelOfKind,
} from '../../registry/schema/index.ts';
import { type CustomSchemas, customListSchemas, customName, customSchemas } from './custom-schemas.ts';
import { defaultOf } from './defaults.ts';
import type { Description } from './descriptions.ts';
import { enumOf, fieldExtensions, modelExtensions } from './field-facts.ts';
import { JSON_SCHEMA_FIELDS, JSON_SCHEMA_TYPES } from './json-schema-fields.ts';
import { referenceDescription } from './reference-descriptions.ts';

/** A JSON schema, before it is written as OpenAPI v2 or v3: `ref` names another one. */
export interface Schema {
  readonly description?: string;
  readonly type?: string;
  readonly format?: string;
  readonly enum?: readonly string[];
  /** Version 3 alone says it. */
  readonly default?: unknown;
  readonly ref?: string;
  readonly items?: Schema;
  /** In place of `type` where a document can say so: version 3. */
  readonly oneOf?: readonly Schema[];
  readonly additionalProperties?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly extensions?: Readonly<Record<string, unknown>>;
  /** Of a kind that was defined at run time: written as it is. */
  readonly custom?: CustomSchemas;
}

export interface GroupVersionKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

/** The schemas of the served kinds and of all that they refer to, by their OpenAPI names. */
export interface SchemaSet {
  readonly schemas: ReadonlyMap<string, Schema>;
  /** The name of a kind's schema. */
  nameOf(kind: GroupVersionKind): string;
}

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1';
const CORE = 'io.k8s.api.core.v1';
const QUANTITY = 'io.k8s.apimachinery.pkg.api.resource.Quantity';
const INT_OR_STRING = 'io.k8s.apimachinery.pkg.util.intstr.IntOrString';
const LIST_META = 'V1ListMeta';

/** Types that every group uses. */
const META_MODELS: ReadonlySet<string> = new Set(
  [
    ...['ObjectMeta', 'ListMeta', 'LabelSelector', 'LabelSelectorRequirement', 'OwnerReference'],
    ...['ManagedFieldsEntry', 'Status', 'StatusDetails', 'StatusCause', 'DeleteOptions', 'Preconditions'],
    ...['Condition', 'FieldSelectorRequirement'],
  ].map((name) => `V1${name}`),
);

/** Types of core that only other groups use. */
const CORE_MODELS: ReadonlySet<string> = new Set([
  'V1TopologySelectorTerm',
  'V1TopologySelectorLabelRequirement',
]);

/** Scalars that OpenAPI knows by a name. */
const NAMED_SCALARS: ReadonlyMap<string, Schema> = new Map<string, Schema>([
  ...JSON_SCHEMA_TYPES,
  [`${META}.Time`, { type: 'string', format: 'date-time' }],
  [`${META}.MicroTime`, { type: 'string', format: 'date-time' }],
  [`${META}.FieldsV1`, { type: 'object', description: 'A set of fields, as a tree of their names.' }],
  [
    QUANTITY,
    {
      type: 'string',
      oneOf: [{ type: 'string' }, { type: 'number' }],
      description: 'A quantity: a decimal number with an SI or binary suffix.',
    },
  ],
  [
    INT_OR_STRING,
    {
      type: 'string',
      format: 'int-or-string',
      oneOf: [{ type: 'integer' }, { type: 'string' }],
      description: 'A whole number or a string.',
    },
  ],
]);

/** Fields of any form whose type has a name. */
const NAMED_FIELDS: ReadonlyMap<string, Schema> = new Map<string, Schema>([
  ...JSON_SCHEMA_FIELDS,
  ['V1ManagedFieldsEntry.fieldsV1', { ref: `${META}.FieldsV1` }],
]);

/** The models that the served kinds reach, each with the name that OpenAPI gives it. */
export function modelNamesOf(definitions: readonly ResourceDefinition[]): Map<string, string> {
  const names = new Map<string, string>();
  const visit = (model: Model | undefined, prefix: string) => {
    if (!model || names.has(model.name)) return;
    const home = META_MODELS.has(model.name) ? META : CORE_MODELS.has(model.name) ? CORE : prefix;
    names.set(model.name, `${home}.${model.goName}`);
    for (const field of model.fields.values()) visit(refOf(field.type), prefix);
  };
  for (const name of META_MODELS) visit(findModel(name), META);
  // A type that several groups use is core's: groups refer to core, never the other way round.
  const core = definitions.filter((definition) => definition.group === '');
  for (const definition of [...core, ...definitions]) {
    if (definition.custom) continue;
    const { group, version, kind } = definition;
    visit(modelOfKind(group, version, kind), packageOf(group, version));
  }
  return names;
}

export function buildSchemas(
  definitions: readonly ResourceDefinition[],
  names: ReadonlyMap<string, string>,
  descriptions: ReadonlyMap<string, Description>,
): SchemaSet {
  const schemas = new Map<string, Schema>(NAMED_SCALARS);
  const customs = new Map<string, ResourceDefinition>();
  for (const definition of definitions) if (definition.custom) customs.set(kindKey(definition), definition);
  for (const [modelName, name] of names) {
    const model = findModel(modelName)!;
    schemas.set(name, modelSchema(model, names, descriptions));
  }
  const nameOf = (kind: GroupVersionKind) => {
    if (customs.has(kindKey(kind))) return customName(kind.group, kind.version, kind.kind);
    const model = modelOfKind(kind.group, kind.version, kind.kind);
    return (model && names.get(model.name)) ?? `${packageOf(kind.group, kind.version)}.${kind.kind}`;
  };
  for (const definition of customs.values()) {
    const name = nameOf(definition);
    schemas.set(name, { custom: customSchemas(definition) });
    schemas.set(`${name}List`, { custom: customListSchemas(definition) });
  }
  for (const { group, version, kind, custom } of definitions) {
    if (custom) continue;
    const name = nameOf({ group, version, kind });
    const known = schemas.get(name) ?? freeForm(kind);
    schemas.set(name, withKind(known, { group, version, kind }));
    schemas.set(
      `${name}List`,
      withKind(listSchema(name, kind, names), { group, version, kind: `${kind}List` }),
    );
  }
  return { schemas, nameOf };
}

const kindKey = ({ group, version, kind }: GroupVersionKind): string => `${group}/${version}/${kind}`;

function modelSchema(
  model: Model,
  names: ReadonlyMap<string, string>,
  descriptions: ReadonlyMap<string, Description>,
): Schema {
  const description = descriptions.get(model.name);
  const properties: Record<string, Schema> = {};
  const required: string[] = [];
  for (const field of model.fields.values()) {
    if (field.required) required.push(field.name);
    properties[field.name] = fieldSchema(model.name, field, names, descriptions);
  }
  return {
    type: 'object',
    description: description?.text || undefined,
    properties,
    required: required.length > 0 ? required : undefined,
    extensions: modelExtensions(model.name),
  };
}

function fieldSchema(
  model: string,
  field: Field,
  names: ReadonlyMap<string, string>,
  descriptions: ReadonlyMap<string, Description>,
): Schema {
  const { name, type } = field;
  const schema = NAMED_FIELDS.get(`${model}.${name}`) ?? typeSchema(type, names);
  const words = enumOf(model, name);
  const description =
    descriptions.get(model)?.fields.get(name) ||
    (schema.ref && referenceDescription(model, name)) ||
    undefined;
  return {
    ...schema,
    ...(words && withWords(schema, words)),
    description,
    default: defaultOf(model, field),
    extensions: fieldExtensions(model, name, type.kind === 'array'),
  };
}

/** The part of a schema that says which words there are: of a list or map, its items'. */
function withWords({ items, additionalProperties }: Schema, words: readonly string[]): Partial<Schema> {
  if (items) return { items: { ...items, enum: words } };
  if (additionalProperties) return { additionalProperties: { ...additionalProperties, enum: words } };
  return { enum: words };
}

function typeSchema(type: FieldType, names: ReadonlyMap<string, string>): Schema {
  switch (type.kind) {
    case 'string':
      return { type: 'string' };
    case 'bool':
      return { type: 'boolean' };
    case 'int32':
    case 'int64':
      return { type: 'integer', format: type.kind };
    case 'double':
      return { type: 'number', format: 'double' };
    case 'bytes':
      return { type: 'string', format: 'byte' };
    case 'time':
      return { ref: `${META}.Time` };
    case 'microtime':
      return { ref: `${META}.MicroTime` };
    case 'quantity':
      return { ref: QUANTITY };
    case 'int-or-string':
      return { ref: INT_OR_STRING };
    case 'array':
      return { type: 'array', items: typeSchema(type.of, names) };
    case 'map':
      return { type: 'object', additionalProperties: typeSchema(type.of, names) };
    case 'ref': {
      const ref = names.get(type.model);
      return ref ? { ref } : { type: 'object' };
    }
    case 'any':
      return { type: 'object' };
  }
}

function refOf(type: FieldType): Model | undefined {
  if (type.kind === 'array' || type.kind === 'map') return refOf(type.of);
  return type.kind === 'ref' ? findModel(type.model) : undefined;
}

function listSchema(item: string, kind: string, names: ReadonlyMap<string, string>): Schema {
  const listMeta = names.get(LIST_META);
  return {
    type: 'object',
    description: `A list of ${kind} objects.`,
    required: ['items'],
    properties: {
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      metadata: listMeta ? { ref: listMeta, default: {} } : { type: 'object' },
      items: { type: 'array', items: { ref: item } },
    },
  };
}

/** A kind whose fields are not known: anything goes. */
function freeForm(kind: string): Schema {
  return {
    type: 'object',
    description: kind,
    properties: {
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      metadata: { ref: `${META}.ObjectMeta` },
    },
    extensions: { 'x-kubernetes-preserve-unknown-fields': true },
  };
}

function withKind(schema: Schema, kind: GroupVersionKind): Schema {
  return {
    ...schema,
    extensions: { ...schema.extensions, 'x-kubernetes-group-version-kind': [kind] },
  };
}

/** e.g. io.k8s.api.storage.v1; the groups of others keep their name, reversed. */
function packageOf(group: string, version: string): string {
  if (group === '') return `io.k8s.api.core.${version}`;
  if (group === 'apiextensions.k8s.io')
    return `io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.${version}`;
  const builtIn = !group.includes('.') || group.endsWith('.k8s.io');
  return builtIn
    ? `io.k8s.api.${group.split('.')[0]}.${version}`
    : `${group.split('.').reverse().join('.')}.${version}`;
}
