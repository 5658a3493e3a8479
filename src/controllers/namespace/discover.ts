import type { Client } from '../../client/index.ts';
import { customResourceDefinitions, type Resource, resources } from '../../kube/index.ts';

/** The namespaced resources that the server has: the built-in ones, and what CustomResourceDefinitions have made. */
export async function discoverNamespaced(client: Client): Promise<readonly Resource[]> {
  const { items } = await client.list(customResourceDefinitions);
  const custom = items.flatMap(({ spec, status }): Resource[] => {
    const isServed = status?.conditions?.some(
      ({ type, status: is }) => type === 'Established' && is === 'True',
    );
    const version = spec.versions.find(({ served }) => served)?.name;
    if (!isServed || version === undefined || spec.scope !== 'Namespaced') return [];
    const { kind, plural, singular = kind.toLowerCase() } = spec.names;
    return [
      {
        group: spec.group,
        version,
        kind,
        plural,
        singular,
        shortNames: [],
        categories: [],
        namespaced: true,
      },
    ];
  });
  return [...resources.filter(({ namespaced }) => namespaced), ...custom];
}
