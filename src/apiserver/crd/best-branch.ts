import { formatCheck } from './formats.ts';
import { isObject, type JSONSchema, own } from './types.ts';

/**
 * How many checks a schema makes of a value. Of several alternatives none of which fits, the errors of the one that
 * had the most to check are shown: it is likely to be the one that was meant. Counted as kube-openapi does (Result.Inc).
 */
export function countChecks(schema: JSONSchema, value: unknown): number {
  if (value === null || value === undefined) return 1;
  const { type, format, items, properties, additionalProperties } = schema;
  // Of the whole, of what is combined, of the enumeration; and of the type where there is one.
  let count = 4 + (type || format ? 2 : 0);
  if (typeof value === 'string') count += 1 + (format && formatCheck(format) ? 1 : 0);
  else if (typeof value === 'number') count += 2;
  else if (Array.isArray(value)) {
    count += 2;
    if (isObject(items)) for (const item of value) count += countChecks(items as JSONSchema, item);
  } else if (isObject(value)) {
    count += 1;
    for (const name of Object.keys(value)) {
      const inner =
        own(properties, name) ?? (isObject(additionalProperties) ? additionalProperties : undefined);
      if (inner) count += countChecks(inner as JSONSchema, value[name]);
    }
  }
  return count;
}

/** The index of the alternative with the most checks, the first of several. */
export function bestBranch(alternatives: readonly JSONSchema[], value: unknown): number {
  const counts = alternatives.map((schema) => countChecks(schema, value));
  return counts.indexOf(Math.max(...counts));
}
