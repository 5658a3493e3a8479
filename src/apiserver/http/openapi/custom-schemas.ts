import type { JSONSchema, Json } from '../../crd/types.ts';
import type { ResourceDefinition } from '../../registry/contract.ts';

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1';
const API_VERSION =
  'The versioned schema of this object. Servers convert what they recognize to their own version, and refuse the rest.';
const KIND = 'The REST resource that this object stands for, in CamelCase. It cannot be changed.';

/** The schemas of a kind that was defined at run time, one for each version of OpenAPI. */
export interface CustomSchemas {
  readonly v2: Json;
  readonly v3: Json;
}

/** e.g. io.k8s.storage.snapshot.v1.VolumeSnapshot */
export function customName(group: string, version: string, kind: string): string {
  return `${group.split('.').reverse().join('.')}.${version}.${kind}`;
}

/** What kubectl is told of a kind: its schema with the fields that every object has. */
export function customSchemas({ group, version, kind, custom }: ResourceDefinition): CustomSchemas {
  const schema = custom?.schema ?? {};
  const whole = (base: Json, ref: (name: string) => Json): Json => ({
    ...base,
    type: 'object',
    ...(base.properties === undefined && base['x-kubernetes-preserve-unknown-fields'] === true
      ? undefined
      : {
          properties: {
            ...(base.properties as Json | undefined),
            apiVersion: { description: API_VERSION, type: 'string' },
            kind: { description: KIND, type: 'string' },
            metadata: ref(`${META}.ObjectMeta`),
          },
        }),
    'x-kubernetes-group-version-kind': [{ group, version, kind }],
  });
  return {
    v2: whole(schemaV2(schema), (name) => ({
      description: 'Standard object metadata.',
      $ref: `#/definitions/${name}`,
    })),
    v3: whole(schema as Json, (name) => ({
      description: 'Standard object metadata.',
      allOf: [{ $ref: `#/components/schemas/${name}` }],
    })),
  };
}

export function customListSchemas({ group, version, kind, custom }: ResourceDefinition): CustomSchemas {
  const item = customName(group, version, kind);
  const schema = (prefix: string): Json => ({
    description: `${custom?.listKind} is a list of ${kind}`,
    type: 'object',
    required: ['items'],
    properties: {
      apiVersion: { description: API_VERSION, type: 'string' },
      items: {
        description: 'The objects of the list.',
        type: 'array',
        items: prefix.includes('components')
          ? { allOf: [{ $ref: `${prefix}${item}` }] }
          : { $ref: `${prefix}${item}` },
      },
      kind: { description: KIND, type: 'string' },
      metadata: prefix.includes('components')
        ? { description: 'Standard list metadata.', allOf: [{ $ref: `${prefix}${META}.ListMeta` }] }
        : { description: 'Standard list metadata.', $ref: `${prefix}${META}.ListMeta` },
    },
    'x-kubernetes-group-version-kind': [{ group, version, kind: custom?.listKind }],
  });
  return { v2: schema('#/definitions/'), v3: schema('#/components/schemas/') };
}

/** What OpenAPI v2 can say of a schema (structural-schema ToStructuralOpenAPIV2): where it cannot, it says less. */
function schemaV2(schema: JSONSchema): Json {
  const { allOf: _1, anyOf: _2, oneOf: _3, not: _4, nullable, ...kept } = schema;
  const { properties, items, additionalProperties, type, ...rest } = kept;
  const isOpen = schema['x-kubernetes-preserve-unknown-fields'] === true;
  if (nullable || schema['x-kubernetes-int-or-string']) {
    const { default: _5, enum: _6, ...plain } = rest;
    return plain as Json;
  }
  return {
    ...(rest as Json),
    ...(type ? { type } : undefined),
    ...(isOpen
      ? undefined
      : {
          ...(properties
            ? {
                properties: Object.fromEntries(
                  Object.entries(properties).map(([name, inner]) => [name, schemaV2(inner)]),
                ),
              }
            : undefined),
          ...(items ? { items: schemaV2(items as JSONSchema) } : undefined),
          ...(typeof additionalProperties === 'object'
            ? { additionalProperties: schemaV2(additionalProperties) }
            : undefined),
        }),
  };
}
