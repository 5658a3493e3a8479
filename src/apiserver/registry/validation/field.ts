import type { StatusCause } from '../../../kube/index.ts';

// Causes as apimachinery's util/validation/field words them.

/** A field of an array or map entry: `spec.volumes[0]`, `metadata.labels[a/b]`. */
export const at = (path: string, index: number | string): string => `${path}[${index}]`;

export const required = (field: string, why = ''): StatusCause => ({
  reason: 'FieldValueRequired',
  message: why ? `Required value: ${why}` : 'Required value',
  field,
});

export const invalidValue = (field: string, value: unknown, why: string): StatusCause => ({
  reason: 'FieldValueInvalid',
  message: `Invalid value: ${show(value)}${why ? `: ${why}` : ''}`,
  field,
});

export const notSupported = (field: string, value: unknown, supported: readonly string[]): StatusCause => ({
  reason: 'FieldValueNotSupported',
  message: `Unsupported value: ${show(value)}: supported values: ${supported.map((v) => JSON.stringify(v)).join(', ')}`,
  field,
});

export const forbiddenField = (field: string, why: string): StatusCause => ({
  reason: 'FieldValueForbidden',
  message: `Forbidden: ${why}`,
  field,
});

export const duplicate = (field: string, value: unknown): StatusCause => ({
  reason: 'FieldValueDuplicate',
  message: `Duplicate value: ${show(value)}`,
  field,
});

export const notFoundValue = (field: string, value: unknown): StatusCause => ({
  reason: 'FieldValueNotFound',
  message: `Not found: ${show(value)}`,
  field,
});

export const tooLong = (field: string, maxBytes: number): StatusCause => ({
  reason: 'FieldValueTooLong',
  message: `Too long: may not be more than ${maxBytes} bytes`,
  field,
});

export const tooMany = (field: string, count: number, max: number): StatusCause => ({
  reason: 'FieldValueTooMany',
  message: `Too many: ${count}: must have at most ${max} ${max === 1 ? 'item' : 'items'}`,
  field,
});

export const immutable = (field: string, value: unknown): StatusCause =>
  invalidValue(field, value, 'field is immutable');

/** The cause when a value differs from what it was. Parts of versions are shared, so equal is identical. */
export function unchanged(field: string, next: unknown, previous: unknown): StatusCause[] {
  return next === previous || equal(next, previous) ? [] : [immutable(field, next)];
}

/** The cause when a value is set and not among the allowed ones. */
export function oneOf(field: string, value: string | undefined, allowed: readonly string[]): StatusCause[] {
  return value === undefined || allowed.includes(value) ? [] : [notSupported(field, value, allowed)];
}

function show(value: unknown): string {
  return value === undefined ? 'null' : JSON.stringify(value);
}

/** Deep equality of plain data, where an absent and an undefined field are the same. */
export function equal(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  for (const name of names) {
    if (!equal((a as Record<string, unknown>)[name], (b as Record<string, unknown>)[name])) return false;
  }
  return true;
}
