import { isDeepStrictEqual } from 'node:util';

/**
 * A merge patch that makes `stored` what `wanted` says; undefined when it does. As on the wire from upstream, zeros,
 * empty texts and empty lists are left out, but for the fields that are always there.
 */
export function statusPatch<S extends object>(
  stored: S | undefined,
  wanted: S,
  alwaysThere: readonly (keyof S)[] = [],
): Record<string, unknown> | undefined {
  const changes = Object.entries(wanted).flatMap(([name, value]): [string, unknown][] => {
    const omitted = isEmpty(value) && !alwaysThere.includes(name as keyof S);
    const before = stored?.[name as keyof S];
    if (omitted) return isEmpty(before) ? [] : [[name, null]];
    return isDeepStrictEqual(before, value) ? [] : [[name, value]];
  });
  return changes.length > 0 ? Object.fromEntries(changes) : undefined;
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === 0 || value === '' || (isList(value) && value.length === 0);
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}
