import { isAlreadyExists, namespaces } from '../../kube/index.ts';
import type { Registry, RequestContext } from './contract.ts';

const SYSTEM_NAMESPACES = ['default', 'kube-system', 'kube-public', 'kube-node-lease'];

/** Who acts for the API server itself. */
export const SYSTEM: RequestContext = { user: { name: 'system:apiserver', groups: ['system:masters'] } };

/** Makes the namespaces that every cluster has. */
export async function ensureNamespaces(registry: Registry): Promise<void> {
  await Promise.all(
    SYSTEM_NAMESPACES.map((name) =>
      registry.create(namespaces, { metadata: { name } }, SYSTEM).catch((error: unknown) => {
        if (!isAlreadyExists(error)) throw error;
      }),
    ),
  );
}
