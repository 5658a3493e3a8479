import { forbidden, namespaces, notFound, qualifiedName, statusFailure } from '../../kube/index.ts';
import type { AdmissionPlugin } from './contract.ts';

const IMMORTAL = new Set(['default', 'kube-system', 'kube-public']);

/** Nothing is made in a namespace that is absent or going; the system's own namespaces stay. */
export const namespaceLifecycle: AdmissionPlugin = {
  name: 'NamespaceLifecycle',
  operations: ['CREATE', 'DELETE'],
  validate({ operation, resource, name }) {
    if (operation !== 'DELETE') return;
    if (resource.plural === namespaces.plural && resource.group === '' && IMMORTAL.has(name)) {
      throw forbidden(resource, name, 'this namespace may not be deleted');
    }
  },
  // Changes nothing, but like upstream answers before defaults and rules do.
  mutate(object, { operation, resource, namespace, name, reader }) {
    if (operation !== 'CREATE') return object;
    if (!resource.namespaced || namespace === undefined) return object;
    const found = reader.get(namespaces, undefined, namespace);
    if (!found) throw notFound(namespaces, namespace);
    if (!found.metadata.deletionTimestamp && found.status?.phase !== 'Terminating') return object;
    throw statusFailure(
      403,
      'Forbidden',
      `${qualifiedName(resource)} ${JSON.stringify(name)} is forbidden: unable to create new content in namespace ${namespace} because it is being terminated`,
      {
        name,
        group: resource.group || undefined,
        kind: resource.plural,
        causes: [
          {
            reason: 'NamespaceTerminating',
            message: `namespace ${namespace} is being terminated`,
            field: 'metadata.namespace',
          },
        ],
      },
    );
  },
};
