import type { Resource } from '../../kube/index.ts';
import type { ObjectName } from '../client.ts';

type Place = Pick<Resource, 'group' | 'version' | 'plural' | 'namespaced'>;
type QueryValue = string | number | boolean | undefined;

/** The path of a resource's collection: of one namespace, or of all. */
export function collectionPath(resource: Place, namespace?: string): string {
  const { group, version, plural, namespaced } = resource;
  const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  return namespaced && namespace
    ? `${root}/namespaces/${encodeURIComponent(namespace)}/${plural}`
    : `${root}/${plural}`;
}

/**
 * The path of an object or of its subresource.
 * @throws Error when the name is empty, or the namespace of a namespaced resource: the path would be another's.
 */
export function objectPath(resource: Place, { namespace, name }: ObjectName, subresource?: string): string {
  if (name === '') throw new Error(`${resource.plural}: resource name may not be empty`);
  if (resource.namespaced && !namespace)
    throw new Error(
      `${resource.plural} ${JSON.stringify(name)}: an empty namespace may not be set when a resource name is provided`,
    );
  const path = `${collectionPath(resource, namespace)}/${encodeURIComponent(name)}`;
  return subresource ? `${path}/${subresource}` : path;
}

/** A query string with its question mark; absent and false values are left out. */
export function queryText(values: Readonly<Record<string, QueryValue>>): string {
  let query: URLSearchParams | undefined;
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined || value === false || value === '') continue;
    query ??= new URLSearchParams();
    query.set(name, String(value));
  }
  return query ? `?${query}` : '';
}
