import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PersistentVolume, PersistentVolumeClaim, StorageClass, Stored } from '../../../kube/index.ts';
import { ADD, UPDATE } from '../../cluster-events.ts';
import { newClaim, newClass, newNodeInfo, newPodInfo, newVolume } from '../../fixtures.ts';
import { helps, listerOf, verdict } from '../fixtures.ts';
import { volumeZone } from '../volume-zone.ts';

// The cases of volumezone/volume_zone_test.go under their names, but for those of objects of a wrong Go type.

const ZONE = 'topology.kubernetes.io/zone';
const REGION = 'topology.kubernetes.io/region';
const BETA_ZONE = 'failure-domain.beta.kubernetes.io/zone';
const BETA_REGION = 'failure-domain.beta.kubernetes.io/region';
const CONFLICT = 'node(s) had no available volume zone';

type Labels = Readonly<Record<string, string>>;
type Case = readonly [name: string, claim: string | undefined, node: Labels, expected: string];

const bound = (volumes: Readonly<Record<string, Labels>>) => ({
  volumes: Object.entries(volumes).map(([name, labels]) => newVolume(`Vol_${name}`, { labels })),
  claims: Object.keys(volumes).map((name) =>
    newClaim(`PVC_${name}`, { boundTo: `Vol_${name}`, className: '' }),
  ),
});

function outcome(
  world: {
    readonly volumes: readonly Stored<PersistentVolume>[];
    readonly claims: readonly Stored<PersistentVolumeClaim>[];
    readonly classes?: readonly Stored<StorageClass>[];
  },
  claim: string | undefined,
  labels: Labels,
): string {
  const rule = volumeZone({
    claims: listerOf<PersistentVolumeClaim>(...world.claims),
    volumes: listerOf<PersistentVolume>(...world.volumes),
    classes: listerOf<StorageClass>(...(world.classes ?? [])),
  });
  const pod = newPodInfo('pod_1', { claims: claim === undefined ? [] : [claim] });
  return verdict(rule, pod, newNodeInfo('host1', { labels }));
}

describe('TestSingleZone', () => {
  const world = bound({
    '1': { [BETA_ZONE]: 'us-west1-a' },
    '2': { [BETA_REGION]: 'us-west1', uselessLabel: 'none' },
    '3': { [BETA_REGION]: 'us-west1' },
    Stable_1: { [ZONE]: 'us-west1-a' },
    Stable_2: { [REGION]: 'us-west1', uselessLabel: 'none' },
    Stable_3: { [ZONE]: 'us-west1-a', [REGION]: 'us-west1-a' },
  });
  const cases: readonly Case[] = [
    ['pod without volume', undefined, { [BETA_ZONE]: 'us-west1-a' }, 'fits'],
    ['node without labels', 'PVC_1', {}, 'fits'],
    ['beta zone label matched', 'PVC_1', { [BETA_ZONE]: 'us-west1-a' }, 'fits'],
    ['beta region label matched', 'PVC_2', { [BETA_REGION]: 'us-west1' }, 'fits'],
    ["beta region label doesn't match", 'PVC_2', { [BETA_REGION]: 'no_us-west1' }, CONFLICT],
    ["beta zone label doesn't match", 'PVC_1', { [BETA_ZONE]: 'no_us-west1-a' }, CONFLICT],
    ['zone label matched', 'PVC_Stable_1', { [ZONE]: 'us-west1-a' }, 'fits'],
    ['region label matched', 'PVC_Stable_2', { [REGION]: 'us-west1' }, 'fits'],
    ["region label doesn't match", 'PVC_Stable_2', { [REGION]: 'no_us-west1' }, CONFLICT],
    ["zone label doesn't match", 'PVC_Stable_1', { [ZONE]: 'no_us-west1-a' }, CONFLICT],
    ['pv with zone and region, node with only zone', 'PVC_Stable_3', { [ZONE]: 'us-west1-a' }, CONFLICT],
    ['pv with zone,node with beta zone', 'PVC_Stable_1', { [BETA_ZONE]: 'us-west1-a' }, CONFLICT],
    ['pv with beta label,node with ga label, matched', 'PVC_1', { [ZONE]: 'us-west1-a' }, 'fits'],
    ["pv with beta label,node with ga label, don't match", 'PVC_1', { [ZONE]: 'us-west1-b' }, CONFLICT],
  ];
  for (const [name, claim, labels, expected] of cases) {
    it(name, () => assert.equal(outcome(world, claim, labels), expected));
  }
});

describe('TestMultiZone', () => {
  const world = bound({
    '1': { [BETA_ZONE]: 'us-west1-a' },
    '2': { [BETA_ZONE]: 'us-west1-b', uselessLabel: 'none' },
    '3': { [BETA_ZONE]: 'us-west1-c__us-west1-a' },
    Stable_1: { [ZONE]: 'us-west1-a' },
    Stable_2: { [ZONE]: 'us-west1-c__us-west1-a' },
  });
  const cases: readonly Case[] = [
    ['node without labels', 'PVC_3', {}, 'fits'],
    ['beta zone label matched', 'PVC_3', { [BETA_ZONE]: 'us-west1-a' }, 'fits'],
    ["beta zone label doesn't match", 'PVC_1', { [BETA_ZONE]: 'us-west1-b' }, CONFLICT],
    ['zone label matched', 'PVC_Stable_2', { [ZONE]: 'us-west1-a' }, 'fits'],
    ["zone label doesn't match", 'PVC_Stable_1', { [ZONE]: 'us-west1-b' }, CONFLICT],
  ];
  for (const [name, claim, labels, expected] of cases) {
    it(name, () => assert.equal(outcome(world, claim, labels), expected));
  }
});

describe('TestWithBinding', () => {
  const one = bound({ '1': { [BETA_ZONE]: 'us-west1-a' } });
  const world = {
    ...one,
    claims: [
      ...one.claims,
      newClaim('PVC_NoSC', { className: 'Class_0' }),
      newClaim('PVC_EmptySC', { className: '' }),
      newClaim('PVC_WaitSC', { className: 'Class_Wait' }),
      newClaim('PVC_ImmediateSC', { className: 'Class_Immediate' }),
    ],
    classes: [newClass('Class_Immediate', { volumeBindingMode: undefined }), newClass('Class_Wait')],
  };
  const cases: readonly (readonly [name: string, claim: string, expected: string])[] = [
    ['label zone failure domain matched', 'PVC_1', 'fits'],
    [
      'unbound volume empty storage class',
      'PVC_EmptySC',
      'PersistentVolumeClaim had no pv name and storageClass name',
    ],
    ['unbound volume no storage class', 'PVC_NoSC', 'storageclass.storage.k8s.io "Class_0" not found'],
    [
      'unbound volume immediate binding mode',
      'PVC_ImmediateSC',
      'VolumeBindingMode not set for StorageClass "Class_Immediate"',
    ],
    ['unbound volume wait binding mode', 'PVC_WaitSC', 'fits'],
  ];
  for (const [name, claim, expected] of cases) {
    it(name, () => assert.equal(outcome(world, claim, { [BETA_ZONE]: 'us-west1-a' }), expected));
  }
});

const rule = volumeZone({ claims: listerOf(), volumes: listerOf(), classes: listerOf() });
const withClaim = newPodInfo('pod_1', { claims: ['PVC_1'] });

describe('TestIsSchedulableAfterPersistentVolumeClaimAdded', () => {
  const [free, taken] = [newClaim('PVC_1'), newClaim('PVC_1', { boundTo: 'Vol_1' })];
  const elsewhere = { ...taken, metadata: { ...taken.metadata, namespace: 'ns1' } };
  const none = newPodInfo('pod_1');
  type Claim = Stored<PersistentVolumeClaim>;
  const cases: readonly (readonly [string, typeof none, Claim | undefined, Claim, boolean])[] = [
    ['pvc-was-added-but-pod-refers-no-pvc', none, undefined, taken, false],
    [
      'pvc-was-added-and-pod-was-bound-to-different-pvc',
      newPodInfo('pod_1', { claims: ['PVC_2'] }),
      undefined,
      taken,
      false,
    ],
    ['pvc-was-added-and-pod-was-bound-to-pvc-but-different-ns', withClaim, undefined, elsewhere, false],
    ['pvc-was-added-and-pod-was-bound-to-the-pvc', withClaim, undefined, taken, true],
    ['pvc-was-updated-and-pod-was-bound-to-the-pvc', withClaim, free, taken, true],
    ['pvc-was-updated-but-pod-refers-no-pvc', none, free, taken, false],
  ];
  for (const [name, pod, before, after, expected] of cases) {
    it(name, () => {
      const action = before ? UPDATE : ADD;
      assert.equal(helps(rule, pod, 'PersistentVolumeClaim', action, before, after), expected);
    });
  }
});

describe('TestIsSchedulableAfterStorageClassAdded', () => {
  const cases: readonly (readonly [string, Stored<StorageClass>, boolean])[] = [
    ["sc-doesn't-have-volume-binding-mode", newClass('SC_1', { volumeBindingMode: undefined }), false],
    ['new-sc-is-wait-for-first-consumer-mode', newClass('SC_1'), true],
  ];
  for (const [name, added, expected] of cases) {
    it(name, () => assert.equal(helps(rule, withClaim, 'StorageClass', ADD, undefined, added), expected));
  }
});

describe('TestIsSchedulableAfterPersistentVolumeChange', () => {
  const volume = (labels: Labels) => newVolume('Vol_1', { labels });
  type Volume = Stored<PersistentVolume>;
  const cases: readonly (readonly [string, Volume | undefined, Volume, boolean])[] = [
    ['new-pv-was-added', undefined, volume({ [BETA_ZONE]: 'us-west1-b' }), true],
    [
      'pv-was-updated-and-changed-topology',
      volume({ [BETA_ZONE]: 'us-west1-a' }),
      volume({ [BETA_ZONE]: 'us-west1-b' }),
      true,
    ],
    [
      'pv-was-updated-and-added-topology-label',
      volume({ [BETA_ZONE]: 'us-west1-a' }),
      volume({ [BETA_ZONE]: 'us-west1-a', [ZONE]: 'zone' }),
      true,
    ],
    [
      'pv-was-updated-but-no-topology-is-changed',
      volume({ [BETA_ZONE]: 'us-west1-a', [ZONE]: 'zone' }),
      volume({ [BETA_ZONE]: 'us-west1-a', [ZONE]: 'zone' }),
      false,
    ],
  ];
  for (const [name, before, after, expected] of cases) {
    it(name, () => {
      const action = before ? UPDATE : ADD;
      assert.equal(helps(rule, withClaim, 'PersistentVolume', action, before, after), expected);
    });
  }
});
