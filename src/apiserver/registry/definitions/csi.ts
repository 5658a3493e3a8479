import {
  type CSIDriver,
  type CSINode,
  type CSIStorageCapacity,
  csiDrivers,
  csiNodes,
  csiStorageCapacities,
  driverOf,
  driversOf,
  parseNano,
  type StatusCause,
  type Stored,
} from '../../../kube/index.ts';
import {
  at,
  duplicate,
  equal,
  immutable,
  invalidValue,
  isDNS1123Subdomain,
  isQualifiedName,
  oneOf,
  required,
  unchanged,
  validateWith,
} from '../validation/index.ts';
import { ageColumn, column, nameColumn } from './columns.ts';
import { change, fill } from './defaulting.ts';
import { defineResource } from './define.ts';
import { oldNodeLabel, oldNodeLabelWarnings } from './deprecations.ts';
import { goForm } from './go-form.ts';
import { labelSelectorCauses } from './selector-validation.ts';
import { driverNameCauses } from './volume-validation.ts';

// Rules: Kubernetes 1.36, pkg/apis/storage/validation.

const NODE_ID_MAX_LENGTH = 256;
const MIN_TOKEN_SECONDS = 600;
const MAX_TOKEN_SECONDS = 2 ** 32;
const TOKENS_IN_SECRETS =
  'spec.serviceAccountTokenInSecrets is unset; if supported by this CSI driver, set to true to prevent possible logging of tokens in volume attributes';

export const csiNodeDefinition = defineResource<CSINode>(csiNodes, {
  columns: [
    nameColumn(),
    column('Drivers', (one) => one.spec?.drivers?.length ?? 0, {
      type: 'integer',
      description: 'How many CSI drivers are registered on the node.',
    }),
    ageColumn(),
  ],
  strategy: {
    requiresResourceVersion: true,
    // The list is written even when it is empty.
    defaults: (one) => ({
      ...one,
      spec: fill<CSINode['spec']>(one.spec ?? { drivers: [] }, { drivers: [] }),
    }),
    validate: validateCSINode,
    validateUpdate: validateCSINodeUpdate,
  },
});

function validateCSINode({ spec }: CSINode): StatusCause[] {
  const names = new Set<string>();
  return (spec?.drivers ?? []).flatMap((driver, index) => {
    const path = at('spec.drivers', index);
    const causes = driverNameCauses(`${path}.name`, driver.name);
    if (!driver.nodeID) causes.push(required(`${path}.nodeID`));
    else if (driver.nodeID.length > NODE_ID_MAX_LENGTH) {
      causes.push(
        invalidValue(`${path}.nodeID`, driver.nodeID, `must be ${NODE_ID_MAX_LENGTH} characters or less`),
      );
    }
    const count = driver.allocatable?.count;
    if (count !== undefined && count < 0) {
      causes.push(invalidValue(`${path}.allocatable.count`, count, 'must be greater than or equal to 0'));
    }
    if (names.has(driver.name)) causes.push(duplicate(`${path}.name`, driver.name));
    names.add(driver.name);
    const keys = new Set<string>();
    for (const key of driver.topologyKeys ?? []) {
      if (!key) causes.push(required(path));
      if (keys.has(key)) causes.push(duplicate(path, key));
      keys.add(key);
      causes.push(...isQualifiedName(key).map((why) => invalidValue(path, key, why)));
    }
    return causes;
  });
}

/** A driver's entry does not change, but for how many volumes it can take (MutableCSINodeAllocatableCount). */
function validateCSINodeUpdate(next: CSINode, previous: Stored<CSINode>): StatusCause[] {
  return driversOf(previous).flatMap((old) => {
    const driver = driverOf(next, old.name);
    if (!driver || equal({ ...driver, allocatable: undefined }, { ...old, allocatable: undefined }))
      return [];
    return [immutable('spec.drivers', { ...(goForm('CSINodeDriver', driver) as object), Allocatable: null })];
  });
}

export const csiDriverDefinition = defineResource<CSIDriver>(csiDrivers, {
  columns: [
    nameColumn(),
    column('AttachRequired', (one) => one.spec.attachRequired ?? true, { type: 'boolean' }),
    column('PodInfoOnMount', (one) => one.spec.podInfoOnMount ?? false, { type: 'boolean' }),
    column('StorageCapacity', (one) => one.spec.storageCapacity ?? false, { type: 'boolean' }),
    column(
      'TokenRequests',
      (one) => one.spec.tokenRequests?.map((token) => token.audience).join(',') ?? '<unset>',
    ),
    column('RequiresRepublish', (one) => one.spec.requiresRepublish ?? false, { type: 'boolean' }),
    column('Modes', (one) => one.spec.volumeLifecycleModes?.join(',') || '<none>'),
    ageColumn(),
  ],
  strategy: {
    requiresResourceVersion: true,
    tracksGeneration: 'from updates',
    defaults: (one) =>
      change({ ...one, spec: one.spec ?? {} }, 'spec', (spec) =>
        fill<CSIDriver['spec']>(spec, {
          attachRequired: true,
          podInfoOnMount: false,
          storageCapacity: false,
          fsGroupPolicy: 'ReadWriteOnceWithFSType',
          volumeLifecycleModes: ['Persistent'],
          requiresRepublish: false,
          seLinuxMount: false,
        }),
      ),
    validate: validateCSIDriver,
    warnings: ({ spec }, previous) =>
      spec.tokenRequests?.length &&
      spec.serviceAccountTokenInSecrets === undefined &&
      !(previous && equal(spec.tokenRequests, previous.spec.tokenRequests))
        ? [TOKENS_IN_SECRETS]
        : [],
    validateUpdate: (next, previous) => [
      // The field's name in messages is upstream's.
      ...unchanged('spec.attachedRequired', next.spec.attachRequired, previous.spec.attachRequired),
      ...unchanged(
        'spec.volumeLifecycleModes',
        next.spec.volumeLifecycleModes,
        previous.spec.volumeLifecycleModes,
      ),
    ],
  },
});

function validateCSIDriver({ spec }: CSIDriver): StatusCause[] {
  const causes = oneOf('spec.fsGroupPolicy', spec.fsGroupPolicy, ['File', 'None', 'ReadWriteOnceWithFSType']);
  const audiences = new Set<string>();
  for (const [index, token] of (spec.tokenRequests ?? []).entries()) {
    const path = at('spec.tokenRequests', index);
    if (audiences.has(token.audience)) {
      causes.push(duplicate(`${path}.audience`, token.audience));
      continue;
    }
    audiences.add(token.audience);
    const seconds = token.expirationSeconds;
    if (seconds === undefined) continue;
    if (seconds < MIN_TOKEN_SECONDS) {
      causes.push(
        invalidValue(`${path}.expirationSeconds`, seconds, 'may not specify a duration less than 10 minutes'),
      );
    }
    if (seconds > MAX_TOKEN_SECONDS) {
      causes.push(
        invalidValue(
          `${path}.expirationSeconds`,
          seconds,
          'may not specify a duration larger than 2^32 seconds',
        ),
      );
    }
  }
  for (const mode of spec.volumeLifecycleModes ?? []) {
    causes.push(...oneOf('spec.volumeLifecycleModes', mode, ['Persistent', 'Ephemeral']));
  }
  const inSecrets = spec.serviceAccountTokenInSecrets;
  const period = spec.nodeAllocatableUpdatePeriodSeconds;
  if (period !== undefined && period < 10) {
    causes.push(
      invalidValue(
        'spec.nodeAllocatableUpdatePeriodSeconds',
        period,
        'must be greater than or equal to 10 seconds',
      ),
    );
  }
  if (inSecrets !== undefined && !spec.tokenRequests?.length) {
    causes.push(
      invalidValue(
        'spec.serviceAccountTokenInSecrets',
        inSecrets,
        'serviceAccountTokenInSecrets is set but no tokenRequests are specified',
      ),
    );
  }
  return causes;
}

export const csiStorageCapacityDefinition = defineResource<CSIStorageCapacity>(csiStorageCapacities, {
  // Upstream has columns for it, but does not show them (its storage takes the default table).
  columns: [],
  strategy: {
    requiresResourceVersion: true,
    validate: (one) => {
      const causes = [
        ...labelSelectorCauses(one.nodeTopology, 'nodeTopology'),
        ...validateWith('storageClassName', one.storageClassName ?? '', isDNS1123Subdomain),
      ];
      if (one.capacity !== undefined && (parseNano(one.capacity) ?? 0n) < 0n) {
        causes.push(invalidValue('capacity', one.capacity, 'must be greater than or equal to 0'));
      }
      return causes;
    },
    warnings: ({ nodeTopology }) => [
      ...oldNodeLabelWarnings(nodeTopology?.matchExpressions ?? [], 'nodeTopology.matchExpressions'),
      ...Object.keys(nodeTopology?.matchLabels ?? {}).flatMap((label) => {
        const what = oldNodeLabel(label);
        return what ? [`nodeTopology.matchLabels.${label}: ${what}`] : [];
      }),
    ],
    validateUpdate: (next, previous) => [
      ...unchanged('nodeTopology', next.nodeTopology, previous.nodeTopology),
      ...unchanged('storageClassName', next.storageClassName, previous.storageClassName),
    ],
  },
});
