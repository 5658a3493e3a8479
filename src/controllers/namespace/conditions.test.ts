import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { configMaps, pods, type Resource, statefulSets } from '../../kube/index.ts';
import { conditionsAfter, type Findings } from './conditions.ts';

const nothing: Findings = { contentErrors: [], remaining: new Map(), finalizers: new Map() };
const texts = (findings: Findings) =>
  conditionsAfter([], findings, 0)
    .filter(({ status }) => status === 'True')
    .map(({ type, reason, message }) => `${type} ${reason}: ${message}`);

describe('conditions of a namespace that is being deleted', () => {
  it('are five, all False, when nothing is wrong', () => {
    const conditions = conditionsAfter([], nothing, 0);
    assert.deepEqual(
      conditions.map(({ type, status, reason }) => `${type}=${status} ${reason}`),
      [
        'NamespaceDeletionDiscoveryFailure=False ResourcesDiscovered',
        'NamespaceDeletionGroupVersionParsingFailure=False ParsedGroupVersions',
        'NamespaceDeletionContentFailure=False ContentDeleted',
        'NamespaceContentRemaining=False ContentRemoved',
        'NamespaceFinalizersRemaining=False ContentHasNoFinalizers',
      ],
    );
  });

  it('say what is wrong in words that do not depend on the order of the look', () => {
    const remaining = new Map<Resource, number>([
      [statefulSets, 1],
      [configMaps, 2],
      [pods, 3],
    ]);
    const finalizers = new Map([
      ['b/x', 1],
      ['a/x', 2],
    ]);
    assert.deepEqual(
      texts({ discoveryError: 'no answer', contentErrors: ['z', 'a'], remaining, finalizers }),
      [
        'NamespaceDeletionDiscoveryFailure DiscoveryFailed: no answer',
        'NamespaceDeletionContentFailure ContentDeletionFailed: Failed to delete all resource types, 2 remaining: a, z',
        'NamespaceContentRemaining SomeResourcesRemain: Some resources are remaining: configmaps. has 2 resource instances, pods. has 3 resource instances, statefulsets.apps has 1 resource instances',
        'NamespaceFinalizersRemaining SomeFinalizersRemain: Some content in the namespace has finalizers remaining: a/x in 2 resource instances, b/x in 1 resource instances',
      ],
    );
  });

  it('keep their time while their status stays, and are the same array when nothing changes', () => {
    const first = conditionsAfter([], { ...nothing, contentErrors: ['a'] }, 0);
    const second = conditionsAfter(first, { ...nothing, contentErrors: ['b'] }, 1000);
    const failure = second.find(({ type }) => type === 'NamespaceDeletionContentFailure')!;
    assert.equal(failure.lastTransitionTime, '1970-01-01T00:00:00Z');
    assert.match(failure.message!, /: b$/);
    const third = conditionsAfter(second, nothing, 2000);
    assert.equal(third[2]?.lastTransitionTime, '1970-01-01T00:00:02Z');
    assert.equal(third[2]?.status, 'False');
    assert.equal(conditionsAfter(third, nothing, 3000), third);
  });
});
