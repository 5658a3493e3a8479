import { isDeepStrictEqual } from 'node:util';
import { type Client, ignoreNotFound } from '../../client/index.ts';
import type { KubeObject, Resource, Stored } from '../../kube/index.ts';

/**
 * The status to write so that `stored` says what `wanted` says; undefined when it does. As on the wire from upstream,
 * zeros, empty texts and empty lists are left out, but for the fields that are always there.
 */
export function nextStatus<S extends object>(
  stored: S | undefined,
  wanted: S,
  alwaysThere: readonly (keyof S)[] = [],
): S | undefined {
  const changed = Object.entries(wanted).some(([name, value]) => {
    const before = stored?.[name as keyof S];
    if (isEmpty(value) && !alwaysThere.includes(name as keyof S)) return !isEmpty(before);
    return !isDeepStrictEqual(before, value);
  });
  if (!changed) return undefined;
  const kept = Object.entries({ ...stored, ...wanted }).filter(
    ([name, value]) => value !== undefined && (!isEmpty(value) || alwaysThere.includes(name as keyof S)),
  );
  return Object.fromEntries(kept) as S;
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === 0 || value === '' || (Array.isArray(value) && value.length === 0);
}

/** Writes the object's status if it is still as seen. One that is gone needs none. */
export async function writeStatus<T extends KubeObject>(
  client: Client,
  resource: Resource<T>,
  object: Stored<T>,
  signal: AbortSignal,
): Promise<void> {
  await ignoreNotFound(client.update(resource, object, { subresource: 'status', signal }));
}
