import {
  type ControllerRevision,
  controllerOf,
  controllerRevisions,
  type Lease,
  leases,
  type PriorityClass,
  priorityClasses,
  type StatusCause,
} from '../../../kube/index.ts';
import { forbiddenField, invalidValue, oneOf, required, unchanged } from '../validation/index.ts';
import { ageColumn, column, nameColumn, wideColumn } from './columns.ts';
import { fill } from './defaulting.ts';
import { defineResource } from './define.ts';
import { nonNegativeCauses } from './workload-validation.ts';

const HIGHEST_USER_PRIORITY = 1_000_000_000;

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

export const priorityClassDefinition = defineResource<PriorityClass>(priorityClasses, {
  columns: [
    nameColumn(),
    column('Value', (one) => one.value ?? 0, { type: 'integer', description: 'The priority of its pods.' }),
    column('Global-Default', (one) => one.globalDefault ?? false, {
      type: 'boolean',
      description: 'Whether pods without a class get this one.',
    }),
    ageColumn(),
    wideColumn('PreemptionPolicy', (one) => one.preemptionPolicy ?? ''),
  ],
  strategy: {
    tracksGeneration: true,
    defaults: (one) => fill(one, { value: 0, preemptionPolicy: 'PreemptLowerPriority' }),
    validate: (one) => [
      ...systemClassCauses(one.metadata?.name ?? ''),
      ...((one.value ?? 0) > HIGHEST_USER_PRIORITY && !one.metadata?.name?.startsWith('system-')
        ? [
            forbiddenField(
              'value',
              `maximum allowed value of a user defined priority is ${HIGHEST_USER_PRIORITY}`,
            ),
          ]
        : []),
      ...oneOf('preemptionPolicy', one.preemptionPolicy, ['PreemptLowerPriority', 'Never']),
    ],
    validateUpdate: (next, previous) => [
      ...((next.value ?? 0) === (previous.value ?? 0)
        ? []
        : [forbiddenField('value', 'may not be changed in an update.')]),
      ...unchanged('preemptionPolicy', next.preemptionPolicy, previous.preemptionPolicy),
    ],
  },
});

const SYSTEM_CLASSES = ['system-node-critical', 'system-cluster-critical'];

/** The prefix is the system's own. */
function systemClassCauses(name: string): StatusCause[] {
  if (!name.startsWith('system-') || SYSTEM_CLASSES.includes(name)) return [];
  return [
    forbiddenField(
      'metadata.name',
      `priority class names with 'system-' prefix are reserved for system use only. error: ${name} is not a known system priority class`,
    ),
  ];
}
