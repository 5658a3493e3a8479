import { type Namespace, namespaces } from '../../../kube/index.ts';
import { isDNS1123Label } from '../validation/index.ts';
import { ageColumn, column, nameColumn } from './columns.ts';
import { ALL_VERBS, defineResource } from './define.ts';

const NAME_LABEL = 'kubernetes.io/metadata.name';

export const namespaceDefinition = defineResource<Namespace>(namespaces, {
  verbs: ALL_VERBS.filter((verb) => verb !== 'deletecollection'),
  subresources: ['status', 'finalize'],
  columns: [
    nameColumn(),
    column('Status', (namespace) => namespace.status?.phase ?? '', { description: 'Active or Terminating.' }),
    ageColumn(),
  ],
  selectableFields: {
    'status.phase': (namespace) => namespace.status?.phase ?? '',
  },
  strategy: {
    validateName: isDNS1123Label,
    defaults: (namespace) => {
      const name = namespace.metadata?.name;
      if (!name || namespace.metadata?.labels?.[NAME_LABEL] === name) return namespace;
      const labels = { ...namespace.metadata?.labels, [NAME_LABEL]: name };
      return { ...namespace, metadata: { ...namespace.metadata, labels } };
    },
    // The namespace controller takes this one away when the namespace is empty.
    prepareForCreate: (namespace) => ({
      ...namespace,
      spec: { finalizers: [...new Set([...(namespace.spec?.finalizers ?? []), 'kubernetes'])] },
      status: { phase: 'Active' },
    }),
    prepareForUpdate: (next, previous) => ({ ...next, spec: previous.spec }),
    markDeleting: (namespace) => ({ ...namespace, status: { ...namespace.status, phase: 'Terminating' } }),
    blocksDeletion: (namespace) => (namespace.spec?.finalizers?.length ?? 0) > 0,
  },
  updatable: {
    finalize: { take: (next, previous) => ({ ...next, status: previous.status }) },
  },
});
