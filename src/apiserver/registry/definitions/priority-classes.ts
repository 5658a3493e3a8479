import { type PriorityClass, priorityClasses, type StatusCause } from '../../../kube/index.ts';
import { forbiddenField, oneOf, unchanged } from '../validation/index.ts';
import { ageColumn, column, nameColumn } from './columns.ts';
import { fill } from './defaulting.ts';
import { defineResource } from './define.ts';

const HIGHEST_USER_PRIORITY = 1_000_000_000;
/** Of names that are the system's own. */
const SYSTEM_PREFIX = 'system-';

/** The classes that every cluster has. */
export const SYSTEM_PRIORITY_CLASSES: readonly PriorityClass[] = [
  {
    metadata: { name: 'system-node-critical' },
    value: 2_000_001_000,
    description: 'For pods that the cluster needs on the very node on which they run.',
  },
  {
    metadata: { name: 'system-cluster-critical' },
    value: 2_000_000_000,
    description: 'For pods that the cluster needs, on whichever node they run.',
  },
];

const systemClass = (name: string) => SYSTEM_PRIORITY_CLASSES.find((one) => one.metadata!.name === name);

export const priorityClassDefinition = defineResource<PriorityClass>(priorityClasses, {
  columns: [
    nameColumn(),
    column('Value', (one) => one.value ?? 0, { type: 'integer', description: 'The priority of its pods.' }),
    column('Global-Default', (one) => one.globalDefault ?? false, {
      type: 'boolean',
      description: 'Whether pods without a class get this one.',
    }),
    ageColumn(),
    column('PreemptionPolicy', (one) => one.preemptionPolicy ?? '', {
      description: 'Whether its pods may take the place of others.',
    }),
  ],
  strategy: {
    tracksGeneration: true,
    defaults: (one) => fill(one, { value: 0, preemptionPolicy: 'PreemptLowerPriority' }),
    validateNew: (one) => [
      ...nameCauses(one),
      ...oneOf('preemptionPolicy', one.preemptionPolicy, ['PreemptLowerPriority', 'Never']),
    ],
    validateUpdate: (next, previous) => [
      ...((next.value ?? 0) === (previous.value ?? 0)
        ? []
        : [forbiddenField('value', 'may not be changed in an update.')]),
      ...unchanged('preemptionPolicy', next.preemptionPolicy, previous.preemptionPolicy),
    ],
    whyKept: (name) =>
      systemClass(name) ? 'this is a system priority class and cannot be deleted' : undefined,
  },
});

/** A name says how high the value may be. */
function nameCauses(one: PriorityClass): StatusCause[] {
  const { value = 0 } = one;
  if (!one.metadata?.name?.startsWith(SYSTEM_PREFIX)) {
    if (value <= HIGHEST_USER_PRIORITY) return [];
    const most = `maximum allowed value of a user defined priority is ${HIGHEST_USER_PRIORITY}`;
    return [forbiddenField('value', most)];
  }
  const why = whyNotSystemClass(one.metadata.name, value, one.globalDefault ?? false);
  const reserved = `priority class names with '${SYSTEM_PREFIX}' prefix are reserved for system use only. error: ${why}`;
  return why === undefined ? [] : [forbiddenField('metadata.name', reserved)];
}

function whyNotSystemClass(name: string, value: number, globalDefault: boolean): string | undefined {
  const known = systemClass(name);
  if (!known) return `${name} is not a known system priority class`;
  if (value !== known.value) return `value of ${name} PriorityClass must be ${known.value}`;
  return globalDefault ? `globalDefault of ${name} PriorityClass must be false` : undefined;
}
