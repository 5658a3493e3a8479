import type { Client } from '../../client/index.ts';
import {
  customResourceDefinitions,
  type Resource,
  resources,
  resourcesOfDefinition,
} from '../../kube/index.ts';

/** The namespaced resources that the server has: the built-in ones, and what CustomResourceDefinitions have made. */
export async function discoverNamespaced(client: Client): Promise<readonly Resource[]> {
  const { items } = await client.list(customResourceDefinitions);
  // Every version shows the same objects: one of them is enough.
  const custom = items.flatMap((definition) => resourcesOfDefinition(definition).slice(0, 1));
  return [...resources, ...custom].filter(({ namespaced }) => namespaced);
}
