import type { StatusCause } from '../../../kube/index.ts';
import { forbiddenField, invalidValue, notSupported, required } from '../../registry/validation/index.ts';
import { isObject, type JSONSchema, own, type ValidationRule } from '../types.ts';

// What a definition's schema may say: validation.go, ValidateCustomResourceDefinitionOpenAPISchema.

const TYPES = ['array', 'boolean', 'integer', 'number', 'object', 'string'];
const META_FIELDS: ReadonlySet<string> = new Set(['metadata', 'kind', 'apiVersion']);
const REASONS = ['FieldValueDuplicate', 'FieldValueForbidden', 'FieldValueInvalid', 'FieldValueRequired'];

const UNSUPPORTED = [
  ...(['id', 'additionalItems', 'patternProperties', 'definitions', 'dependencies', '$ref'] as const),
];

/** Whether causes of `validateSchema` name a field that no structural schema has: then there is nothing to check as one. */
export function hasUnsupported(causes: readonly StatusCause[]): boolean {
  return causes.some(({ field = '' }) => UNSUPPORTED.some((name) => field.endsWith(`.${name}`)));
}

interface Place {
  /** Why no default may stand here. */
  readonly noDefaults?: string;
  readonly insideMeta?: boolean;
}

export function validateSchema(
  schema: JSONSchema,
  path: string,
  place: Place = {},
  isRoot = true,
): StatusCause[] {
  return [
    ...unsupportedFields(schema, path, place),
    ...(schema.uniqueItems
      ? [
          forbiddenField(
            `${path}.uniqueItems`,
            'uniqueItems cannot be set to true since the runtime complexity becomes quadratic',
          ),
        ]
      : []),
    ...inner(schema, path, place, isRoot),
    ...(schema['x-kubernetes-preserve-unknown-fields'] === false
      ? [invalidValue(`${path}.x-kubernetes-preserve-unknown-fields`, false, 'must be true or undefined')]
      : []),
    ...mapRules(schema, path),
    ...listRules(schema, path),
    ...(schema['x-kubernetes-validations'] ?? []).flatMap((rule, index) =>
      ruleForm(rule, `${path}.x-kubernetes-validations[${index}]`),
    ),
  ];
}

function unsupportedFields(
  schema: JSONSchema,
  path: string,
  { noDefaults, insideMeta }: Place,
): StatusCause[] {
  const no = (field: keyof JSONSchema) => forbiddenField(`${path}.${field}`, `${field} is not supported`);
  const { type = '' } = schema;
  return [
    ...(type !== '' && !TYPES.includes(type) ? [notSupported(`${path}.type`, type, TYPES)] : []),
    ...(schema.default !== undefined && noDefaults !== undefined
      ? [forbiddenField(`${path}.default`, `must not be set ${noDefaults}`)]
      : []),
    ...UNSUPPORTED.filter((field) => schema[field] !== undefined && schema[field] !== '').map(no),
    ...(type === 'null'
      ? [forbiddenField(`${path}.type`, 'type cannot be set to null, use nullable as an alternative')]
      : []),
    ...(Array.isArray(schema.items) && schema.items.length > 0
      ? [forbiddenField(`${path}.items`, 'items must be a schema object and not an array')]
      : []),
    ...(insideMeta && schema['x-kubernetes-embedded-resource']
      ? [forbiddenField(`${path}.x-kubernetes-embedded-resource`, 'must not be used inside of resource meta')]
      : []),
  ];
}

function inner(schema: JSONSchema, path: string, place: Place, isRoot: boolean): StatusCause[] {
  const { properties = {}, additionalProperties: additional, items } = schema;
  const causes: StatusCause[] = [];
  if (additional !== undefined) {
    if (Object.keys(properties).length > 0 && additional !== true)
      causes.push(
        forbiddenField(
          `${path}.additionalProperties`,
          'additionalProperties and properties are mutual exclusive',
        ),
      );
    const below = place.insideMeta
      ? { ...place, noDefaults: 'inside additionalProperties applying to object metadata' }
      : place;
    if (isObject(additional))
      causes.push(...validateSchema(additional as JSONSchema, `${path}.additionalProperties`, below, false));
  }
  for (const [name, property] of Object.entries(properties)) {
    const isMeta = (isRoot || schema['x-kubernetes-embedded-resource']) && META_FIELDS.has(name);
    const below = isMeta
      ? { insideMeta: true, noDefaults: isRoot ? `in top-level ${name}` : place.noDefaults }
      : place;
    causes.push(...validateSchema(property, `${path}.properties[${name}]`, below, false));
  }
  if (schema.not) causes.push(...validateSchema(schema.not, `${path}.not`, place, false));
  for (const kind of ['allOf', 'oneOf', 'anyOf'] as const)
    schema[kind]?.forEach((one, index) => {
      causes.push(...validateSchema(one, `${path}.${kind}[${index}]`, place, false));
    });
  if (isObject(items)) causes.push(...validateSchema(items as JSONSchema, `${path}.items`, place, false));
  return causes;
}

/** A field that only one type may have. */
function needsType(schema: JSONSchema, path: string, type: string, field: string): StatusCause[] {
  if (schema.type === type) return [];
  const why = `must be ${type} if ${field} is specified`;
  return schema.type ? [invalidValue(`${path}.type`, schema.type, why)] : [required(`${path}.type`, why)];
}

function mapRules(schema: JSONSchema, path: string): StatusCause[] {
  const type = schema['x-kubernetes-map-type'];
  if (type === undefined) return [];
  return [
    ...needsType(schema, path, 'object', 'x-kubernetes-map-type'),
    ...(type === 'atomic' || type === 'granular'
      ? []
      : [notSupported(`${path}.x-kubernetes-map-type`, type, ['atomic', 'granular'])]),
  ];
}

function listRules(schema: JSONSchema, path: string): StatusCause[] {
  const type = schema['x-kubernetes-list-type'];
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  const items = isObject(schema.items) ? (schema.items as JSONSchema) : undefined;
  const field = `${path}.x-kubernetes-list-type`;
  const causes: StatusCause[] = [];
  if (type !== undefined) {
    const wrong = needsType(schema, path, 'array', 'x-kubernetes-list-type');
    causes.push(...(wrong.length > 0 ? wrong : type === 'set' && items ? atomicItem(items, path) : []));
    if (!['atomic', 'set', 'map'].includes(type))
      causes.push(notSupported(field, type, ['atomic', 'set', 'map']));
  }
  const needsMap = 'must be map if x-kubernetes-list-map-keys is non-empty';
  if (keys.length > 0 && type !== 'map')
    causes.push(type === undefined ? required(field, needsMap) : invalidValue(field, type, needsMap));
  if (type === 'map') causes.push(...keyedListRules(schema, items, keys, path));
  if ((type === 'map' || type === 'set') && items?.nullable)
    causes.push(
      forbiddenField(`${path}.items.nullable`, `cannot be nullable when x-kubernetes-list-type is ${type}`),
    );
  if (type === 'map' && items) causes.push(...keyFields(items, keys, path));
  return causes;
}

function atomicItem(items: JSONSchema, path: string): StatusCause[] {
  const why = 'must be atomic as item of a list with x-kubernetes-list-type=set';
  const listType = items['x-kubernetes-list-type'];
  if (items.type === 'array' && listType !== undefined && listType !== 'atomic')
    return [invalidValue(`${path}.items.x-kubernetes-list-type`, listType, why)];
  if (items.type === 'object' && items['x-kubernetes-map-type'] !== 'atomic')
    return [invalidValue(`${path}.items.x-kubernetes-map-type`, listType ?? null, why)];
  return [];
}

function keyedListRules(
  schema: JSONSchema,
  items: JSONSchema | undefined,
  keys: readonly string[],
  path: string,
): StatusCause[] {
  const field = `${path}.x-kubernetes-list-map-keys`;
  const causes: StatusCause[] = [];
  if (keys.length === 0) causes.push(required(field, 'must not be empty if x-kubernetes-list-type is map'));
  if (schema.items === undefined)
    causes.push(required(`${path}.items`, 'must have a schema if x-kubernetes-list-type is map'));
  if (!items) return causes;
  if (items.type !== 'object')
    return [
      ...causes,
      invalidValue(
        `${path}.items.type`,
        items.type ?? '',
        "must be object if parent array's x-kubernetes-list-type is map",
      ),
    ];
  keys.forEach((key, index) => {
    const property = own(items.properties, key);
    if (!property) causes.push(invalidValue(field, keys, 'entries must all be names of item properties'));
    else if (property.type === 'array' || property.type === 'object')
      causes.push(
        invalidValue(
          `${path}.items.properties[${key}].type`,
          items.type,
          "must be a scalar type if parent array's x-kubernetes-list-type is map",
        ),
      );
    if (keys.indexOf(key) < index)
      causes.push(invalidValue(field, keys, 'must not contain duplicate entries'));
  });
  return causes;
}

function keyFields(items: JSONSchema, keys: readonly string[], path: string): StatusCause[] {
  return keys.flatMap((key) => {
    const property = own(items.properties, key);
    if (!property) return [];
    const at = `${path}.items.properties[${key}]`;
    const listed = 'this property is in x-kubernetes-list-map-keys, so it';
    return [
      ...(items.required?.includes(key) || property.default !== undefined
        ? []
        : [required(`${at}.default`, `${listed} must have a default or be a required property`)]),
      ...(property.nullable ? [forbiddenField(`${at}.nullable`, `${listed} cannot be nullable`)] : []),
    ];
  });
}

function ruleForm(rule: ValidationRule, path: string): StatusCause[] {
  const { message = '', messageExpression, reason, fieldPath } = rule;
  const text = rule.rule ?? '';
  const isBroken = (value: string) => /[\n\r]/.test(value.trim());
  const causes: StatusCause[] = [];
  if (text.trim() === '') causes.push(required(`${path}.rule`, 'rule is not specified'));
  else if (message !== '' && message.trim() === '')
    causes.push(invalidValue(`${path}.message`, message, 'must be non-empty if specified'));
  else if (isBroken(message))
    causes.push(invalidValue(`${path}.message`, message, 'must not contain line breaks'));
  else if (isBroken(text) && message.trim() === '')
    causes.push(required(`${path}.message`, 'message must be specified if rule contains line breaks'));
  if (messageExpression && messageExpression.trim() === '')
    causes.push(required(`${path}.messageExpression`, 'messageExpression must be non-empty if specified'));
  if (reason !== undefined && !REASONS.includes(reason))
    causes.push(notSupported(`${path}.reason`, reason, REASONS));
  if (fieldPath && fieldPath.trim() === '')
    causes.push(invalidValue(`${path}.fieldPath`, fieldPath, 'must be non-empty if specified'));
  if (fieldPath && isBroken(fieldPath))
    causes.push(invalidValue(`${path}.fieldPath`, fieldPath, 'must not contain line breaks'));
  return causes;
}
