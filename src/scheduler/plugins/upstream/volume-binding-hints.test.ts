import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CSIDriver, CSINode, CSIStorageCapacity, StorageClass } from '../../../kube/index.ts';
import { ADD, type EventObjects, type EventResource, UPDATE } from '../../cluster-events.ts';
import { newClaim, newClass, newPod, newPodInfo, stored } from '../../fixtures.ts';
import { type PodInfo, podInfo } from '../../pod-info.ts';
import { helps } from '../fixtures.ts';
import { volumeBindingInterests } from '../volume-binding/interests.ts';
import { capacity } from './binder.fixtures.ts';

// The queueing hints of volumebinding/volume_binding_test.go under their names, but for objects of a wrong Go type.

type Hint = {
  [R in EventResource]: readonly [string, R, EventObjects[R] | undefined, EventObjects[R], boolean, PodInfo?];
}[EventResource];

const csiNode = (migrated?: string) =>
  stored<CSINode>('CSINode', 'csinode-a', {
    metadata: { annotations: migrated ? { 'storage.alpha.kubernetes.io/migrated-plugins': migrated } : {} },
    spec: { drivers: [] },
  });
const storageClass = (allowedTopologies?: StorageClass['allowedTopologies']) =>
  newClass('sc-a', { allowedTopologies });
const inCapacity = (amounts: Pick<CSIStorageCapacity, 'capacity' | 'maximumVolumeSize'>) =>
  capacity('cap-a', amounts);
const driver = (storageCapacity?: boolean) =>
  stored<CSIDriver>('CSIDriver', 'test1', { spec: { storageCapacity } });
const [pvcB, ephemeralB] = [newClaim('pvc-b'), newClaim('pod-a-ephemeral-b')];
const withClaims = (...claims: string[]) => newPodInfo('pod-a', { claims });
const withEphemeral = (...names: string[]) =>
  newPodInfo('pod-a', { volumes: names.map((name) => ({ name, ephemeral: {} })) });
const elsewhere = (() => {
  const pod = newPod('pod-a', { claims: ['pvc-a', 'pvc-b'] });
  return podInfo({ ...pod, metadata: { ...pod.metadata, namespace: 'ns-a' } });
})();

const HINTS: Readonly<Record<string, readonly Hint[]>> = {
  TestIsSchedulableAfterCSINodeChange: [
    ['CSINode is newly created', 'CSINode', undefined, csiNode(), true],
    [
      "CSINode's migrated-plugins annotations is added",
      'CSINode',
      csiNode('test1'),
      csiNode('test1, test2'),
      true,
    ],
    ["CSINode's migrated-plugins annotation is updated", 'CSINode', csiNode('test1'), csiNode('test2'), true],
    [
      'CSINode is updated but migrated-plugins annotation gets unchanged',
      'CSINode',
      csiNode('test1'),
      csiNode('test1'),
      false,
    ],
  ],
  TestIsSchedulableAfterPersistentVolumeClaimChange: [
    [
      'pod has no pvc or ephemeral volumes',
      'PersistentVolumeClaim',
      pvcB,
      pvcB,
      false,
      newPodInfo('pod-a', { volumes: [{ name: 'e', emptyDir: {} }] }),
    ],
    [
      'pvc with the same name as the one used by the pod in a different namespace is modified',
      'PersistentVolumeClaim',
      undefined,
      pvcB,
      false,
      elsewhere,
    ],
    [
      'pod has no pvc that is being modified',
      'PersistentVolumeClaim',
      pvcB,
      pvcB,
      false,
      withClaims('pvc-a', 'pvc-c'),
    ],
    [
      'pod has no generic ephemeral volume that is being modified',
      'PersistentVolumeClaim',
      ephemeralB,
      ephemeralB,
      false,
      withEphemeral('ephemeral-a', 'ephemeral-c'),
    ],
    [
      'pod has the pvc that is being modified',
      'PersistentVolumeClaim',
      pvcB,
      pvcB,
      true,
      withClaims('pvc-a', 'pvc-b'),
    ],
    [
      'pod has the generic ephemeral volume that is being modified',
      'PersistentVolumeClaim',
      ephemeralB,
      ephemeralB,
      true,
      withEphemeral('ephemeral-a', 'ephemeral-b'),
    ],
  ],
  TestIsSchedulableAfterStorageClassChange: [
    ['When a new StorageClass is created, it returns Queue', 'StorageClass', undefined, storageClass(), true],
    [
      'When the AllowedTopologies are changed, it returns Queue',
      'StorageClass',
      storageClass(),
      storageClass([{ matchLabelExpressions: [{ key: 'kubernetes.io/hostname', values: ['node-a'] }] }]),
      true,
    ],
    [
      'When there are no changes to the StorageClass, it returns QueueSkip',
      'StorageClass',
      storageClass(),
      storageClass(),
      false,
    ],
  ],
  TestIsSchedulableAfterCSIStorageCapacityChange: (
    [
      ['a new CSIStorageCapacity is created', undefined, {}, true],
      ['the volume limit is increase(Capacity set)', {}, { capacity: '100' }, true],
      ['the volume limit is increase(MaximumVolumeSize set)', {}, { maximumVolumeSize: '100' }, true],
      ['the volume limit is increase(Capacity increase)', { capacity: '50' }, { capacity: '100' }, true],
      [
        'the volume limit is increase(MaximumVolumeSize unset)',
        { capacity: '100', maximumVolumeSize: '50' },
        { capacity: '100' },
        true,
      ],
      [
        'the volume limit is increase(MaximumVolumeSize increase)',
        { capacity: '100', maximumVolumeSize: '50' },
        { capacity: '100', maximumVolumeSize: '60' },
        true,
      ],
      [
        'there are no changes to the CSIStorageCapacity',
        { capacity: '100', maximumVolumeSize: '50' },
        { capacity: '100', maximumVolumeSize: '50' },
        false,
      ],
      ['the volume limit is equal(Capacity)', { capacity: '100' }, { capacity: '100' }, false],
      [
        'the volume limit is equal(MaximumVolumeSize unset)',
        { capacity: '100', maximumVolumeSize: '50' },
        { capacity: '50' },
        false,
      ],
      ['the volume limit is decrease(Capacity)', { capacity: '100' }, { capacity: '90' }, false],
      [
        'the volume limit is decrease(MaximumVolumeSize)',
        { maximumVolumeSize: '100' },
        { maximumVolumeSize: '90' },
        false,
      ],
    ] as const
  ).map(([name, before, after, expected]) => [
    `When ${name}, it returns ${expected ? 'Queue' : 'QueueSkip'}`,
    'CSIStorageCapacity',
    before && inCapacity(before),
    inCapacity(after),
    expected,
  ]),
  // Upstream wakes only pods with an inline volume of the driver; a claim of it is what can lack capacity, so here all are.
  TestIsSchedulableAfterCSIDriverChange: [
    ['original StorageCapacity is nil', 'CSIDriver', driver(), driver(), false],
    ['original StorageCapacity is false', 'CSIDriver', driver(false), driver(false), false],
    ['modified StorageCapacity is nil', 'CSIDriver', driver(true), driver(), true],
    ['modified StorageCapacity is true', 'CSIDriver', driver(true), driver(true), false],
    ['modified StorageCapacity is false', 'CSIDriver', driver(true), driver(false), true],
  ],
};

for (const [group, hints] of Object.entries(HINTS)) {
  describe(group, () => {
    const plugin = { name: 'VolumeBinding', interests: volumeBindingInterests };
    for (const [name, resource, before, after, expected, pod = newPodInfo('pod-a')] of hints) {
      it(name, () => {
        const action = before === undefined ? ADD : UPDATE;
        assert.equal(helps(plugin, pod, resource, action, before as never, after as never), expected);
      });
    }
  });
}
