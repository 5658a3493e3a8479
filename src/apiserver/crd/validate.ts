import type { StatusCause } from '../../kube/index.ts';
import { equal, invalidValue, notSupported, required, tooLong } from '../registry/validation/index.ts';
import { bestBranch } from './best-branch.ts';
import { formatCheck } from './formats.ts';
import { goRegExp } from './regexp.ts';
import { isObject, type JSONSchema, own } from './types.ts';

// The conditions that a schema puts on values, as kube-openapi's validation checks and words them.

/** What a value was before an update: an error of a part that did not change is forgiven (ratcheting). */
export const NOT_CORRELATED = Symbol('not correlated');

/** What is wrong with a value; `path` as kube-openapi has it: '' for the root, then 'spec', 'spec.list[0]'. */
export function validateValue(
  schema: JSONSchema,
  value: unknown,
  path = '',
  previous: unknown = NOT_CORRELATED,
): readonly StatusCause[] {
  const causes: StatusCause[] = [];
  check(schema, value, path, previous, causes);
  return causes;
}

function check(
  schema: JSONSchema,
  value: unknown,
  path: string,
  previous: unknown,
  causes: StatusCause[],
): void {
  if (previous !== NOT_CORRELATED && value === previous) return;
  const found = causes.length;
  const before = (field: string) =>
    isObject(previous) && Object.hasOwn(previous, field) ? previous[field] : undefined;
  checkType(schema, value, path, causes);
  if (value !== null && value !== undefined) {
    checkCombinations(schema, value, path, causes);
    if (typeof value === 'string') checkString(schema, value, path, causes);
    else if (typeof value === 'number') checkNumber(schema, value, path, causes);
    else if (Array.isArray(value)) checkList(schema, value, path, previous, causes);
  }
  if (schema.enum !== undefined && !(value === null && schema.nullable))
    checkEnum(schema.enum, value, path, causes);
  if (isObject(value)) {
    checkSize(
      'properties',
      Object.keys(value).length,
      schema.minProperties,
      schema.maxProperties,
      path,
      causes,
    );
    const { properties, additionalProperties } = schema;
    for (const name of Object.keys(value)) {
      const property = own(properties, name);
      const inner =
        property ?? (isObject(additionalProperties) ? (additionalProperties as JSONSchema) : undefined);
      if (inner) {
        const isType = path === '' && (name === 'kind' || name === 'apiVersion');
        const old = previous === NOT_CORRELATED || isType || schema['x-kubernetes-map-type'] === 'atomic';
        const place = property ? (path === '' ? name : `${path}.${name}`) : `${path}.${name}`;
        check(
          inner,
          value[name],
          place,
          old || before(name) === undefined ? NOT_CORRELATED : before(name),
          causes,
        );
      } else if (additionalProperties === false) {
        causes.push(invalidValue(fieldOfPath(path), name, `${path}.${name} in body is a forbidden property`));
      }
    }
    for (const name of schema.required ?? [])
      if (value[name] === undefined) causes.push(required(fieldOfPath(`${path}.${name}`)));
  }
  const isRatcheted = causes.length > found && previous !== NOT_CORRELATED && equal(value, previous);
  if (isRatcheted) causes.length = found;
}

function fieldOfPath(path: string): string {
  return path === '' || path === '.' ? '<nil>' : path.replace(/^\./, '');
}

/** Go's type names of a value, as messages give them. */
function typeOfValue(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}

export const wrongType = (path: string, type: string, shown: unknown): StatusCause => ({
  ...invalidValue(
    fieldOfPath(path),
    shown,
    `${path} in body must be of type ${type}: ${JSON.stringify(shown)}`,
  ),
  reason: 'FieldValueTypeInvalid',
});

function checkType(schema: JSONSchema, value: unknown, path: string, causes: StatusCause[]): void {
  const types = schema['x-kubernetes-int-or-string']
    ? ['integer', 'string']
    : schema.type
      ? [schema.type]
      : [];
  if (value === null || value === undefined) {
    if (types.length > 0 && !schema.nullable) causes.push(wrongType(path, types.join(','), 'null'));
    return;
  }
  const actual = typeOfValue(value);
  if (schema.format && (types.length === 0 || types[0] === 'string') && typeof value === 'string') {
    const matches = formatCheck(schema.format);
    if (matches) {
      if (!matches(value)) causes.push(wrongType(path, schema.format, value));
      return;
    }
  }
  if (types.length === 0 || types.includes(actual) || (actual === 'integer' && types.includes('number')))
    return;
  causes.push(wrongType(path, types.join(','), actual));
}

const says = (path: string, value: unknown, what: string): StatusCause =>
  invalidValue(fieldOfPath(path), value, `${path} in body should ${what}`);

function checkString(schema: JSONSchema, value: string, path: string, causes: StatusCause[]): void {
  const { minLength, maxLength, pattern } = schema;
  if (minLength === undefined && maxLength === undefined && !pattern) return;
  const length = lengthOf(value);
  if (maxLength !== undefined && length > maxLength) causes.push(tooLong(fieldOfPath(path), maxLength));
  else if (minLength !== undefined && length < minLength)
    causes.push(says(path, value, `be at least ${minLength} chars long`));
  else if (pattern && !goRegExp(pattern).test(value)) causes.push(says(path, value, `match '${pattern}'`));
}

/** In code points, as Go counts runes. */
function lengthOf(text: string): number {
  let length = text.length;
  for (let at = 0; at < text.length - 1; at++) {
    const code = text.charCodeAt(at);
    if (code >= 0xd800 && code < 0xdc00) length--;
  }
  return length;
}

const INTEGER_RANGES: Readonly<Record<string, readonly [number, number]>> = {
  int32: [-(2 ** 31), 2 ** 31 - 1],
  int64: [-(2 ** 63), 2 ** 63],
};

function checkNumber(schema: JSONSchema, value: number, path: string, causes: StatusCause[]): void {
  const { minimum, maximum, multipleOf, exclusiveMinimum, exclusiveMaximum } = schema;
  const range = schema.type === 'integer' && schema.format ? own(INTEGER_RANGES, schema.format) : undefined;
  if (range && (value < range[0] || value > range[1]))
    causes.push(
      invalidValue(
        '<nil>',
        '',
        `Checked value must be of type integer with format ${schema.format} in ${path}`,
      ),
    );
  if (schema.type === 'integer' && !Number.isInteger(value))
    causes.push(
      invalidValue('<nil>', '', `Checked value must be of type integer (default format) in ${path}`),
    );
  if (multipleOf !== undefined && !isMultiple(value, multipleOf))
    causes.push(says(path, value, `be a multiple of ${multipleOf}`));
  if (minimum !== undefined && (exclusiveMinimum ? value <= minimum : value < minimum))
    causes.push(says(path, value, `be greater than ${exclusiveMinimum ? '' : 'or equal to '}${minimum}`));
  if (maximum !== undefined && (exclusiveMaximum ? value >= maximum : value > maximum))
    causes.push(says(path, value, `be less than ${exclusiveMaximum ? '' : 'or equal to '}${maximum}`));
}

function isMultiple(value: number, factor: number): boolean {
  return factor < 1 && factor > 0 ? Number.isInteger((1 / factor) * value) : Number.isInteger(value / factor);
}

function checkSize(
  what: 'items' | 'properties',
  size: number,
  least: number | undefined,
  most: number | undefined,
  path: string,
  causes: StatusCause[],
): void {
  if (least !== undefined && size < least) causes.push(says(path, size, `have at least ${least} ${what}`));
  if (most !== undefined && size > most) causes.push(tooMany(fieldOfPath(path), size, most));
}

export const tooMany = (field: string, actual: number, most: number): StatusCause => ({
  reason: 'FieldValueTooMany',
  message: `Too many: ${actual}: must have at most ${most} ${most === 1 ? 'item' : 'items'}`,
  field,
});

function checkList(
  schema: JSONSchema,
  value: readonly unknown[],
  path: string,
  previous: unknown,
  causes: StatusCause[],
): void {
  if (isObject(schema.items)) {
    const correlate = itemCorrelation(schema, previous);
    value.forEach((item, index) => {
      check(schema.items as JSONSchema, item, `${path}[${index}]`, correlate(item), causes);
    });
  }
  checkSize('items', value.length, schema.minItems, schema.maxItems, path, causes);
  if (
    schema.uniqueItems &&
    value.some((item, index) => value.slice(0, index).some((other) => equal(item, other)))
  )
    causes.push(invalidValue(fieldOfPath(path), '', `${path} in body shouldn't contain duplicates`));
}

/** Which item of the previous list an item was: only keyed lists can tell (common.CorrelatedObject). */
export function itemCorrelation(schema: JSONSchema, previous: unknown): (item: unknown) => unknown {
  const keys = schema['x-kubernetes-list-map-keys'];
  if (schema['x-kubernetes-list-type'] !== 'map' || !keys || !Array.isArray(previous))
    return () => NOT_CORRELATED;
  const itemSchema = isObject(schema.items) ? (schema.items as JSONSchema) : undefined;
  const keyOf = (item: unknown) =>
    isObject(item)
      ? JSON.stringify(keys.map((key) => item[key] ?? own(itemSchema?.properties, key)?.default))
      : undefined;
  const known = new Map(previous.map((item) => [keyOf(item), item]));
  return (item) => known.get(keyOf(item)) ?? NOT_CORRELATED;
}

function checkEnum(allowed: readonly unknown[], value: unknown, path: string, causes: StatusCause[]): void {
  if (allowed.some((one) => equal(one, value))) return;
  const texts = allowed.map((one) => (typeof one === 'string' ? one : JSON.stringify(one)));
  causes.push(notSupported(fieldOfPath(path), value, texts));
}

function checkCombinations(schema: JSONSchema, value: unknown, path: string, causes: StatusCause[]): void {
  const { allOf, anyOf, oneOf, not } = schema;
  const shown = JSON.stringify(path);
  const fails = (what: string) => causes.push(invalidValue('<nil>', '', `${shown} must ${what}`));
  if (anyOf && !schema['x-kubernetes-int-or-string']) {
    const outcomes = anyOf.map((one) => validateValue(one, value, path));
    if (!outcomes.some((outcome) => outcome.length === 0)) {
      fails('validate at least one schema (anyOf)');
      causes.push(...outcomes[bestBranch(anyOf, value)]!);
    }
  }
  if (oneOf) {
    const outcomes = oneOf.map((one) => validateValue(one, value, path));
    const valid = outcomes.filter((outcome) => outcome.length === 0).length;
    if (valid !== 1) {
      const found = valid === 0 ? 'Found none valid' : `Found ${valid} valid alternatives`;
      fails(`validate one and only one schema (oneOf). ${found}`);
      if (valid === 0) causes.push(...outcomes[bestBranch(oneOf, value)]!);
    }
  }
  if (allOf) {
    const outcomes = allOf.map((one) => validateValue(one, value, path));
    const valid = outcomes.filter((outcome) => outcome.length === 0).length;
    for (const outcome of outcomes) causes.push(...outcome);
    if (valid !== allOf.length)
      fails(`validate all the schemas (allOf)${valid === 0 ? '. None validated' : ''}`);
  }
  if (not && validateValue(not, value, path).length === 0) fails('not validate the schema (not)');
}
