import {
  type ControllerRevision,
  controllerOf,
  controllerRevisions,
  type Lease,
  leases,
} from '../../../kube/index.ts';
import { invalidValue, required, unchanged } from '../validation/index.ts';
import { ageColumn, column, nameColumn } from './columns.ts';
import { defineResource } from './define.ts';
import { nonNegativeCauses } from './workload-validation.ts';

export const controllerRevisionDefinition = defineResource<ControllerRevision>(controllerRevisions, {
  columns: [
    nameColumn(),
    column(
      'Controller',
      (one) => {
        const owner = controllerOf(one);
        if (!owner) return '<none>';
        const group = owner.apiVersion.includes('/') ? `.${owner.apiVersion.split('/')[0]}` : '';
        return `${owner.kind.toLowerCase()}${group}/${owner.name}`;
      },
      { description: 'Controller of the object' },
    ),
    column('Revision', (one) => one.revision, { description: 'The number of this state.' }),
    ageColumn(),
  ],
  strategy: {
    validate: ({ revision, data }) => [
      ...nonNegativeCauses('revision', revision),
      ...(data === undefined ? [required('data', 'data is mandatory')] : []),
    ],
    validateUpdate: (next, previous) => unchanged('data', next.data, previous.data),
  },
});

export const leaseDefinition = defineResource<Lease>(leases, {
  columns: [
    nameColumn(),
    column('Holder', (lease) => lease.spec?.holderIdentity ?? '', { description: 'Who holds the lease.' }),
    ageColumn(),
  ],
  strategy: {
    requiresResourceVersion: true,
    createsOnUpdate: true,
    defaults: (lease) => (lease.spec ? lease : { ...lease, spec: {} }),
    validate: ({ spec }) =>
      (['leaseDurationSeconds', 'leaseTransitions'] as const).flatMap((name) => {
        const value = spec?.[name];
        const lowest = name === 'leaseDurationSeconds' ? 1 : 0;
        if (value === undefined || value >= lowest) return [];
        return [
          invalidValue(
            `spec.${name}`,
            value,
            lowest === 1 ? 'must be greater than 0' : 'must be greater than or equal to 0',
          ),
        ];
      }),
  },
});
