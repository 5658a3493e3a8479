import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { PersistentVolume, PersistentVolumeClaim } from '../../kube/index.ts';
import { concernsExpansion } from './expansion-controller.ts';
import { asksForMore, type Expansion, isExpandedOnNode, planExpansion } from './plan-expansion.ts';

interface Given {
  /** pvc.spec, pvc.status.capacity, pv.spec.capacity */
  readonly sizes: readonly [asked: string, has: string, volume: string];
  /** pvc.status.allocatedResources */
  readonly begun?: string;
  readonly status?: string;
  readonly failedForGood?: boolean;
  readonly inControlPlane?: boolean;
  readonly fileSystemPending?: boolean;
}

function objects({ sizes: [asked, has, size], begun, status, fileSystemPending }: Given) {
  const claim = {
    metadata: {},
    spec: { volumeName: 'pv', resources: { requests: { storage: asked } } },
    status: {
      phase: 'Bound',
      capacity: { storage: has },
      ...(begun && { allocatedResources: { storage: begun } }),
      ...(status && { allocatedResourceStatuses: { storage: status } }),
      ...(fileSystemPending && { conditions: [{ type: 'FileSystemResizePending', status: 'True' }] }),
    },
  } as PersistentVolumeClaim;
  const volume = { spec: { capacity: { storage: size } } } as PersistentVolume;
  return { claim, volume };
}

function plan(given: Given): Expansion | undefined {
  const { claim, volume } = objects(given);
  const { failedForGood = false, inControlPlane = true } = given;
  return planExpansion(claim, volume, { failedForGood, inControlPlane });
}

/** The cases of TestExpandAndRecover, external-resizer, and what they leave out. */
const CASES: readonly (readonly [string, Given, Expansion | undefined])[] = [
  ['the first growth', { sizes: ['2G', '1G', '1G'] }, { newSize: '2G', isNew: true }],
  [
    'one that is larger already, of which nothing was noted',
    { sizes: ['1G', '1G', '1G'] },
    { newSize: '1G', isNew: true },
  ],
  [
    'less than what was impossible',
    { sizes: ['5G', '3G', '3G'], begun: '10G', status: 'ControllerResizeInfeasible' },
    { newSize: '5G', isNew: true },
  ],
  [
    'less than what failed for good',
    {
      sizes: ['5G', '3G', '3G'],
      begun: '10G',
      status: 'ControllerResizeInProgress',
      failedForGood: true,
    },
    { newSize: '5G', isNew: true },
  ],
  [
    'less than what may still be going on',
    { sizes: ['5G', '3G', '3G'], begun: '10G', status: 'ControllerResizeInProgress' },
    { newSize: '10G', isNew: false },
  ],
  [
    'less than what the driver has made of it, though the node could not',
    {
      sizes: ['5G', '3G', '10G'],
      begun: '10G',
      status: 'NodeResizeInfeasible',
      inControlPlane: false,
    },
    { newSize: '5G', isNew: true },
  ],
  [
    'a node that may try again, once the driver has confirmed the size',
    { sizes: ['2G', '1G', '2G'], begun: '2G', status: 'NodeResizeInfeasible' },
    { newSize: '2G', isNew: false },
  ],
  [
    'more than what the node could not',
    { sizes: ['10G', '1G', '3G'], begun: '3G', status: 'NodeResizeInfeasible' },
    { newSize: '3G', isNew: false },
  ],
  [
    'the node, whose turn it is',
    { sizes: ['2G', '1G', '2G'], begun: '2G', status: 'NodeResizePending' },
    undefined,
  ],
  [
    'the node before more than that',
    { sizes: ['10G', '1G', '3G'], begun: '3G', status: 'NodeResizePending' },
    undefined,
  ],
  [
    'the node that is at it before more than that',
    { sizes: ['10G', '1G', '3G'], begun: '3G', status: 'NodeResizeInProgress' },
    undefined,
  ],
  [
    'a volume that does not say yet what the node is to reach',
    { sizes: ['10G', '1G', '2G'], begun: '3G', status: 'NodeResizePending' },
    { newSize: '3G', isNew: false },
  ],
  [
    'what was done and not noted',
    { sizes: ['2G', '1G', '2G'], begun: '2G', status: 'ControllerResizeInProgress' },
    { newSize: '2G', isNew: false },
  ],
  [
    'less than what was done and not noted',
    { sizes: ['2G', '1G', '4G'], begun: '4G', status: 'ControllerResizeInProgress', failedForGood: true },
    { newSize: '4G', isNew: false },
  ],
  [
    'what a status that is lost leaves',
    { sizes: ['2G', '1G', '4G'], begun: '4G' },
    { newSize: '4G', isNew: false },
  ],
  [
    'the node, of which a server without recovery says so by the condition alone',
    { sizes: ['2G', '1G', '2G'], fileSystemPending: true },
    undefined,
  ],
  [
    'more, on a server without recovery',
    { sizes: ['4G', '1G', '2G'], fileSystemPending: true },
    { newSize: '4G', isNew: true },
  ],
];

describe('to which size a volume grows', () => {
  for (const [name, given, expected] of CASES) it(name, () => assert.deepEqual(plan(given), expected));

  const size = fc.integer({ min: 1, max: 6 }).map((gigabytes) => `${gigabytes}G`);
  const any = fc.record({
    sizes: fc.tuple(size, size, size),
    begun: fc.option(size, { nil: undefined }),
    status: fc.constantFrom(
      undefined,
      'ControllerResizeInProgress',
      'ControllerResizeInfeasible',
      'NodeResizePending',
      'NodeResizeInProgress',
      'NodeResizeInfeasible',
    ),
    failedForGood: fc.boolean(),
    inControlPlane: fc.boolean(),
  });

  it('is what the claim asks for, or what was begun; and new only when it is another one than that', () => {
    fc.assert(
      fc.property(any, (given) => {
        const found = plan(given);
        if (!found) return;
        assert.ok([given.sizes[0], given.begun].includes(found.newSize));
        assert.equal(found.isNew, given.begun !== found.newSize);
      }),
    );
  });

  it('never leaves what may be going on', () => {
    fc.assert(
      fc.property(any, size, (given, begun) => {
        const found = plan({
          ...given,
          begun,
          status: 'ControllerResizeInProgress',
          failedForGood: false,
        });
        assert.equal(found?.newSize, begun);
      }),
    );
  });
});

describe('which claims are looked at', () => {
  it('those that are bound and ask for more than they have', () => {
    const { claim } = objects({ sizes: ['2G', '1G', '1G'] });
    assert.equal(asksForMore(claim), true);
    assert.equal(asksForMore({ ...claim, status: { ...claim.status, phase: 'Pending' } }), false);
    assert.equal(asksForMore({ ...claim, spec: { ...claim.spec, volumeName: '' } }), false);
    assert.equal(asksForMore(objects({ sizes: ['1G', '1000M', '1G'] }).claim), false);
  });

  it('those that have all of their volume', () => {
    const done = (has: string, volume: string) => {
      const given = objects({ sizes: ['1G', has, volume] });
      return isExpandedOnNode(given.claim, given.volume);
    };
    assert.deepEqual([done('1G', '2G'), done('2G', '2G'), done('3G', '2G')], [false, true, true]);
  });

  it('after a change of size, status or resizer; more than was there counts, less does not', () => {
    const before = { sizes: ['2G', '1G', '1G'], begun: '2G', status: 'NodeResizePending' } as const;
    const changed = (now: Given) => concernsExpansion(objects(now).claim, objects(before).claim);
    assert.equal(changed(before), false);
    assert.equal(changed({ ...before, sizes: ['3G', '1G', '1G'] }), true);
    assert.equal(changed({ ...before, sizes: ['1500M', '1G', '1G'] }), true);
    assert.equal(changed({ ...before, sizes: ['2G', '2G', '1G'] }), true);
    assert.equal(changed({ ...before, sizes: ['2G', '500M', '1G'] }), false);
    assert.equal(changed({ ...before, status: 'NodeResizeInfeasible' }), true);
    const { claim } = objects(before);
    const annotations = { 'volume.kubernetes.io/storage-resizer': 'd' };
    assert.equal(concernsExpansion({ ...claim, metadata: { annotations } }, claim), true);
  });
});
