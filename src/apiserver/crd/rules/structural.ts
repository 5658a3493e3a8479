import type { StatusCause } from '../../../kube/index.ts';
import { equal, forbiddenField, invalidValue, required } from '../../registry/validation/index.ts';
import { goRegExp, PatternError } from '../regexp.ts';
import { isObject, type JSONSchema, own } from '../types.ts';

// What makes a schema structural: apiextensions-apiserver pkg/apiserver/schema, validation.go and complete.go.

type Level = 'root' | 'item' | 'field';

const NESTED = ['allOf', 'anyOf', 'oneOf'] as const;
const INT_OR_STRING: readonly JSONSchema[] = [{ type: 'integer' }, { type: 'string' }];
const EMPTY_TYPE: Readonly<Record<Level, string>> = {
  root: 'must not be empty at the root',
  item: 'must not be empty for specified array items',
  field: 'must not be empty for specified object fields',
};

export function validateStructural(schema: JSONSchema, path: string): StatusCause[] {
  const causes = [...invariants(schema, 'root', path), ...completeness(schema, schema, path, path)];
  const text = ({ field, message }: StatusCause) => `${field}: ${message}`;
  return causes.sort((a, b) => (text(a) < text(b) ? -1 : text(a) > text(b) ? 1 : 0));
}

function invariants(schema: JSONSchema, level: Level, path: string): StatusCause[] {
  const causes: StatusCause[] = [];
  const { type = '', items, properties = {}, additionalProperties: additional } = schema;
  const isEmbedded = schema['x-kubernetes-embedded-resource'] ?? false;
  const isIntOrString = schema['x-kubernetes-int-or-string'] ?? false;
  const preserves = schema['x-kubernetes-preserve-unknown-fields'] ?? false;
  if (type === 'array' && items === undefined) causes.push(required(`${path}.items`, 'must be specified'));
  if (isObject(items)) causes.push(...invariants(items as JSONSchema, 'item', `${path}.items`));
  for (const [name, inner] of Object.entries(properties))
    causes.push(...invariants(inner, 'field', `${path}.properties[${name}]`));
  if (additional !== undefined) {
    if (level === 'root')
      causes.push(forbiddenField(`${path}.additionalProperties`, 'must not be used at the root'));
    if (isObject(additional))
      causes.push(...invariants(additional as JSONSchema, 'field', `${path}.additionalProperties`));
  }
  const notWithInt = 'must be false if x-kubernetes-int-or-string is true';
  if (isIntOrString && preserves)
    causes.push(invalidValue(`${path}.x-kubernetes-preserve-unknown-fields`, true, notWithInt));
  if (isIntOrString && isEmbedded)
    causes.push(invalidValue(`${path}.x-kubernetes-embedded-resource`, true, notWithInt));
  causes.push(...values(schema, path, true));
  if (isEmbedded && type !== 'object') {
    const why = 'must be object if x-kubernetes-embedded-resource is true';
    causes.push(type === '' ? required(`${path}.type`, why) : invalidValue(`${path}.type`, type, why));
  } else if (type === '' && !isIntOrString && !preserves)
    causes.push(required(`${path}.type`, EMPTY_TYPE[level]));
  if (isEmbedded && additional !== undefined)
    causes.push(
      forbiddenField(
        `${path}.additionalProperties`,
        'must not be used if x-kubernetes-embedded-resource is set',
      ),
    );
  if (level === 'root' && type !== '' && type !== 'object')
    causes.push(invalidValue(`${path}.type`, type, 'must be object at the root'));
  causes.push(...metadataRules(schema, level, path));
  if (isEmbedded && !preserves && Object.keys(properties).length === 0)
    causes.push(
      required(
        `${path}.properties`,
        'must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields',
      ),
    );
  return causes;
}

function metadataRules(schema: JSONSchema, level: Level, path: string): StatusCause[] {
  const isChecked = level === 'root' || (schema['x-kubernetes-embedded-resource'] ?? false);
  const causes: StatusCause[] = [];
  for (const name of ['kind', 'apiVersion']) {
    const inner = own(schema.properties, name);
    if (isChecked && inner && inner.type !== 'string')
      causes.push(invalidValue(`${path}.properties[${name}].type`, inner.type ?? '', 'must be string'));
  }
  const metadata = own(schema.properties, 'metadata');
  if (!metadata) return causes;
  const at = `${path}.properties[metadata]`;
  if (isChecked && metadata.type !== 'object')
    causes.push(invalidValue(`${at}.type`, metadata.type ?? '', 'must be object'));
  if (level === 'root') {
    const { type: _1, default: _2, description: _3, properties = {}, ...rest } = metadata;
    const isPlain = Object.keys(properties).every((name) => name === 'name' || name === 'generateName');
    if (!isPlain || Object.keys(rest).length > 0)
      causes.push(
        forbiddenField(
          at,
          'must not specify anything other than name and generateName, but metadata is implicitly specified',
        ),
      );
  }
  return causes;
}

/** Conditions on values; int-or-string has a form of its own that says the types once more. */
function values(schema: JSONSchema, path: string, isSpine: boolean): StatusCause[] {
  const causes: StatusCause[] = [];
  for (const kind of NESTED) {
    schema[kind]?.forEach((inner, index) => {
      if (isSpine && kind === 'anyOf' && equal(schema.anyOf, INT_OR_STRING)) return;
      const skips = isSpine && kind === 'allOf' && index === 0 && equal(inner.anyOf, INT_OR_STRING);
      causes.push(...nested(inner, `${path}.${kind}[${index}]`, skips));
    });
  }
  if (schema.not) causes.push(...nested(schema.not, `${path}.not`, false));
  if (schema.pattern) {
    try {
      goRegExp(schema.pattern);
    } catch (error) {
      if (!(error instanceof PatternError)) throw error;
      const why = `must be a valid regular expression, but isn't: ${error.message}`;
      causes.push(invalidValue(`${path}.pattern`, schema.pattern, why));
    }
  }
  return causes;
}

/** Fields that only the spine may say, with upstream's words. */
const SPINE_ONLY: readonly (readonly [keyof JSONSchema, string])[] = [
  ['type', 'must be empty to be structural'],
  ['additionalProperties', 'must be undefined to be structural'],
  ['default', 'must be undefined to be structural'],
  ['title', 'must be empty to be structural'],
  ['description', 'must be empty to be structural'],
  ['nullable', 'must be false to be structural'],
  ['x-kubernetes-preserve-unknown-fields', 'must be false to be structural'],
  ['x-kubernetes-embedded-resource', 'must be false to be structural'],
  ['x-kubernetes-int-or-string', 'must be false to be structural'],
  ['x-kubernetes-list-map-keys', 'must be empty to be structural'],
  ['x-kubernetes-list-type', 'must be undefined to be structural'],
  ['x-kubernetes-map-type', 'must be undefined to be structural'],
  ['x-kubernetes-validations', 'must be empty to be structural'],
];

function nested(schema: JSONSchema, path: string, skipsAnyOf: boolean): StatusCause[] {
  const { anyOf: _, ...withoutAnyOf } = schema;
  const causes = values(skipsAnyOf ? withoutAnyOf : schema, path, false);
  if (isObject(schema.items)) causes.push(...nested(schema.items as JSONSchema, `${path}.items`, false));
  for (const [name, inner] of Object.entries(schema.properties ?? {}))
    causes.push(...nested(inner, `${path}.properties[${name}]`, false));
  for (const [field, why] of SPINE_ONLY) {
    const value = schema[field];
    if (value !== undefined && value !== false && value !== '' && value !== null)
      causes.push(forbiddenField(`${path}.${field}`, why));
  }
  if (own(schema.properties, 'metadata'))
    causes.push(forbiddenField(`${path}.properties[metadata]`, 'must not be specified in a nested context'));
  return causes;
}

/** Whatever a condition speaks of, the spine must have. */
function completeness(
  values: JSONSchema,
  spine: JSONSchema | undefined,
  spinePath: string,
  path: string,
): StatusCause[] {
  const causes: StatusCause[] = [];
  const visit = (inner: JSONSchema, at: string) => {
    causes.push(...completenessOf(inner, spine, spinePath, at));
  };
  if (values.not) visit(values.not, `${path}.not`);
  for (const kind of NESTED)
    values[kind]?.forEach((inner, index) => {
      visit(inner, `${path}.${kind}[${index}]`);
    });
  return causes;
}

function completenessOf(
  values: JSONSchema,
  spine: JSONSchema | undefined,
  spinePath: string,
  path: string,
): StatusCause[] {
  if (!spine) return [required(spinePath, `because it is defined in ${path}`)];
  const causes = completeness(values, spine, spinePath, path);
  if (isObject(values.items)) {
    const items = isObject(spine.items) ? (spine.items as JSONSchema) : undefined;
    causes.push(...completenessOf(values.items as JSONSchema, items, `${spinePath}.items`, `${path}.items`));
  }
  for (const [name, inner] of Object.entries(values.properties ?? {})) {
    const at = `.properties[${name}]`;
    causes.push(...completenessOf(inner, own(spine.properties, name), `${spinePath}${at}`, `${path}${at}`));
  }
  return causes;
}
