import {
  isAlreadyExists,
  type KubeObject,
  namespaces,
  priorityClasses,
  type Resource,
} from '../../kube/index.ts';
import type { Registry, RequestContext } from './contract.ts';
import { SYSTEM_PRIORITY_CLASSES } from './definitions/priority-classes.ts';

const SYSTEM_NAMESPACES = ['default', 'kube-system', 'kube-public', 'kube-node-lease'];

/** Who acts for the API server itself. */
export const SYSTEM: RequestContext = { user: { name: 'system:apiserver', groups: ['system:masters'] } };

/** Makes the namespaces and the priority classes that every cluster has. */
export async function ensureSystemObjects(registry: Registry): Promise<void> {
  const ensure = async <T extends KubeObject>(resource: Resource<T>, object: T) => {
    await registry.create(resource, object, SYSTEM).catch((error: unknown) => {
      if (!isAlreadyExists(error)) throw error;
    });
  };
  await Promise.all([
    ...SYSTEM_NAMESPACES.map((name) => ensure(namespaces, { metadata: { name } })),
    ...SYSTEM_PRIORITY_CLASSES.map((one) => ensure(priorityClasses, one)),
  ]);
}
