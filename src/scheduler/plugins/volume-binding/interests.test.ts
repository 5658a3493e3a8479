import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CSIDriver, CSINode, CSIStorageCapacity, Stored } from '../../../kube/index.ts';
import { ADD, type EventObjects, type EventResource, UPDATE } from '../../cluster-events.ts';
import { newClaim, newClass, newPodInfo, stored } from '../../fixtures.ts';
import { helps } from '../fixtures.ts';
import { volumeBindingInterests } from './interests.ts';

const plugin = { name: 'VolumeBinding', interests: volumeBindingInterests };
const pod = newPodInfo('p', { claims: ['data'] });

const csiNode = (migrated?: string): Stored<CSINode> => {
  const node = stored<CSINode>('CSINode', 'n', { spec: { drivers: [] } });
  const annotations: Record<string, string> =
    migrated === undefined ? {} : { 'storage.alpha.kubernetes.io/migrated-plugins': migrated };
  return { ...node, metadata: { ...node.metadata, annotations } };
};
const capacity = (sizes: Partial<CSIStorageCapacity>): Stored<CSIStorageCapacity> =>
  stored<CSIStorageCapacity>('CSIStorageCapacity', 'c', { storageClassName: 'late', ...sizes });
const csiDriver = (storageCapacity?: boolean): Stored<CSIDriver> =>
  stored<CSIDriver>('CSIDriver', 'd', { spec: { storageCapacity } });
const allowing = (zone?: string) =>
  newClass('late', {
    allowedTopologies: zone ? [{ matchLabelExpressions: [{ key: 'zone', values: [zone] }] }] : undefined,
  });

/** isSchedulableAfter…Change of volumebinding. */
const CASES: readonly {
  [R in EventResource]: readonly [
    fact: string,
    resource: R,
    before: EventObjects[R] | undefined,
    after: EventObjects[R],
    expected: boolean,
  ];
}[EventResource][] = [
  ['a class that comes', 'StorageClass', undefined, allowing(), true],
  ['other topologies', 'StorageClass', allowing('a'), allowing('b'), true],
  ['the same topologies', 'StorageClass', allowing('a'), allowing('a'), false],
  ['no topologies any more', 'StorageClass', allowing('a'), allowing(), true],
  ["the pod's claim comes", 'PersistentVolumeClaim', undefined, newClaim('data'), true],
  ["the pod's claim changes", 'PersistentVolumeClaim', newClaim('data'), newClaim('data'), true],
  ['another claim', 'PersistentVolumeClaim', undefined, newClaim('other'), false],
  [
    'a claim of that name elsewhere',
    'PersistentVolumeClaim',
    undefined,
    { ...newClaim('data'), metadata: { ...newClaim('data').metadata, namespace: 'elsewhere' } },
    false,
  ],
  ['a CSINode that comes', 'CSINode', undefined, csiNode(), true],
  ['a plugin that is served by a driver now', 'CSINode', csiNode(), csiNode('kubernetes.io/gce-pd'), true],
  ['a CSINode that changes otherwise', 'CSINode', csiNode('a'), csiNode('a'), false],
  ['capacity that is not tracked any more', 'CSIDriver', csiDriver(true), csiDriver(false), true],
  ['capacity that nobody speaks of any more', 'CSIDriver', csiDriver(true), csiDriver(), true],
  ['capacity that is tracked from now on', 'CSIDriver', csiDriver(false), csiDriver(true), false],
  ['capacity that was never tracked', 'CSIDriver', csiDriver(), csiDriver(false), false],
  ['a segment that comes', 'CSIStorageCapacity', undefined, capacity({}), true],
  ['more capacity', 'CSIStorageCapacity', capacity({ capacity: '1Gi' }), capacity({ capacity: '2Gi' }), true],
  [
    'less capacity',
    'CSIStorageCapacity',
    capacity({ capacity: '2Gi' }),
    capacity({ capacity: '1Gi' }),
    false,
  ],
  ['capacity that becomes known', 'CSIStorageCapacity', capacity({}), capacity({ capacity: '1Gi' }), true],
  [
    'capacity that is not known any more',
    'CSIStorageCapacity',
    capacity({ capacity: '1Gi' }),
    capacity({}),
    false,
  ],
  [
    'larger volumes of the same capacity',
    'CSIStorageCapacity',
    capacity({ capacity: '9Gi', maximumVolumeSize: '1Gi' }),
    capacity({ capacity: '9Gi', maximumVolumeSize: '2Gi' }),
    true,
  ],
  [
    'more capacity for volumes as large as before',
    'CSIStorageCapacity',
    capacity({ capacity: '8Gi', maximumVolumeSize: '1Gi' }),
    capacity({ capacity: '9Gi', maximumVolumeSize: '1Gi' }),
    false,
  ],
];

describe('what may help a pod whose volumes did not fit', () => {
  for (const [fact, resource, before, after, expected] of CASES) {
    it(`${fact}: ${expected}`, () => {
      const action = before === undefined ? ADD : UPDATE;
      assert.equal(helps(plugin, pod, resource, action, before as never, after as never), expected);
    });
  }
});
