import { isObject, type JSONSchema, type ValidationRule } from './types.ts';

/** The spine of a schema: what says which fields an object has, without the conditions on their values. */
export interface Structural {
  /** The schema that this is the spine of. */
  readonly schema: JSONSchema;
  readonly type: string;
  readonly nullable: boolean;
  /** `undefined`: none. */
  readonly default: unknown;
  readonly properties: ReadonlyMap<string, Structural>;
  /** Of the fields that have no schema of their own; `true` or `false` where the schema says no more. */
  readonly additional: Structural | boolean | undefined;
  readonly items: Structural | undefined;
  readonly preserves: boolean;
  readonly embedded: boolean;
  readonly intOrString: boolean;
  readonly listType: string | undefined;
  readonly listMapKeys: readonly string[];
  readonly mapType: string | undefined;
  readonly rules: readonly ValidationRule[];
  /** This and what is below, with the rules of the parts of `allOf`: those that have any. */
  readonly allOf: readonly Structural[];
  /** Whether this or anything below has a default. */
  readonly hasDefaults: boolean;
}

/** The fields that every resource has whatever its schema says. */
export const META_FIELDS: ReadonlySet<string> = new Set(['apiVersion', 'kind', 'metadata']);

const NO_PROPERTIES: ReadonlyMap<string, Structural> = new Map();

/** The spine of a schema; `isRoot`: of a resource, which is an embedded one without saying so. */
export function structuralOf(schema: JSONSchema, isRoot = false): Structural {
  const properties = schema.properties
    ? new Map(Object.entries(schema.properties).map(([name, inner]) => [name, structuralOf(inner)]))
    : NO_PROPERTIES;
  const { additionalProperties, items: itemSchema } = schema;
  const additional = isObject(additionalProperties)
    ? structuralOf(additionalProperties as JSONSchema)
    : (additionalProperties as boolean | undefined);
  const items = isObject(itemSchema) ? structuralOf(itemSchema as JSONSchema) : undefined;
  const below = [...properties.values(), items, additional];
  return {
    schema,
    type: schema.type ?? '',
    nullable: schema.nullable ?? false,
    default: schema.default === null ? undefined : schema.default,
    properties,
    additional,
    items,
    preserves: schema['x-kubernetes-preserve-unknown-fields'] ?? false,
    embedded: isRoot || (schema['x-kubernetes-embedded-resource'] ?? false),
    intOrString: schema['x-kubernetes-int-or-string'] ?? false,
    listType: schema['x-kubernetes-list-type'],
    listMapKeys: schema['x-kubernetes-list-map-keys'] ?? [],
    mapType: schema['x-kubernetes-map-type'],
    rules: schema['x-kubernetes-validations'] ?? [],
    allOf: (schema.allOf ?? [])
      .filter(hasRules)
      .map((part) => structuralOf(withRulesOf(schema, part), isRoot)),
    hasDefaults:
      (schema.default !== undefined && schema.default !== null) ||
      below.some((node) => typeof node === 'object' && node.hasDefaults),
  };
}

/** The schema of a field of an object, if any. */
export function fieldOf(node: Structural | undefined, name: string): Structural | undefined {
  if (node === undefined) return undefined;
  return node.properties.get(name) ?? (typeof node.additional === 'object' ? node.additional : undefined);
}

const inner = ({ properties = {}, items, additionalProperties }: JSONSchema): readonly JSONSchema[] =>
  [...Object.values(properties), items, additionalProperties].filter(isObject) as JSONSchema[];

function hasRules(schema: JSONSchema): boolean {
  return (
    (schema['x-kubernetes-validations'] ?? []).length > 0 ||
    (schema.allOf ?? []).some(hasRules) ||
    inner(schema).some(hasRules)
  );
}

/**
 * A schema whose rules are those of a part of its `allOf`. The part says nothing of types: its rules see the values as
 * the schema describes them. Only what is on the spine of the schema counts.
 */
function withRulesOf(schema: JSONSchema, part: JSONSchema): JSONSchema {
  const pair = (whole: unknown, one: unknown) =>
    isObject(whole) ? withRulesOf(whole as JSONSchema, isObject(one) ? (one as JSONSchema) : {}) : whole;
  const { properties } = schema;
  return {
    ...schema,
    default: undefined,
    allOf: part.allOf,
    'x-kubernetes-validations': part['x-kubernetes-validations'],
    ...(properties && {
      properties: Object.fromEntries(
        Object.entries(properties).map(([name, one]) => [
          name,
          withRulesOf(one, part.properties?.[name] ?? {}),
        ]),
      ),
    }),
    ...(schema.items && { items: pair(schema.items, part.items) as JSONSchema }),
    ...(schema.additionalProperties !== undefined && {
      additionalProperties: pair(schema.additionalProperties, part.additionalProperties) as
        | JSONSchema
        | boolean,
    }),
  };
}
