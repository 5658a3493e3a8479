import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FakeClock } from '../../../base/index.ts';
import {
  csiNodes,
  type Node,
  nodes,
  type PersistentVolume,
  type PersistentVolumeClaim,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  type Stored,
} from '../../../kube/index.ts';
import { newPod } from '../../fixtures.ts';
import { podInfo } from '../../pod-info.ts';
import { type AssumedVolumes, VolumeBinder } from '../volume-binding/binder.ts';
import * as f from './binder.fixtures.ts';
import { FakeCluster } from './fake-cluster.test-support.ts';

// TestAssumePodVolumes, TestRevertAssumedPodVolumes, TestBindAPIUpdate and TestBindPodVolumes of
// volumebinding/binder_test.go under their names, but for those of nil slices. Upstream gives up at the first conflict;
// here the change is made again when it still applies, so that some updates that fail there do not.

type Claim = Stored<PersistentVolumeClaim>;
type Volume = Stored<PersistentVolume>;
type Binding = AssumedVolumes['bindings'][number];

const SELECTED = 'volume.kubernetes.io/selected-node';
const binding = (claim: Claim, volume: Volume): Binding => ({ claim, volume });
const pod = newPod('test-pod', { nodeName: 'node1' });
const TIMEOUT_MS = 10_000;

function setUp(known: {
  volumes?: readonly Volume[];
  claims?: readonly Claim[];
  nodes?: readonly Stored<Node>[];
}) {
  const fake = new FakeCluster();
  fake.put(persistentVolumes, ...(known.volumes ?? []));
  fake.put(persistentVolumeClaims, ...(known.claims ?? []));
  fake.put(nodes, ...(known.nodes ?? [f.node1]));
  fake.put(pods, pod);
  const clock = new FakeClock();
  const binder = new VolumeBinder({
    client: fake.client,
    informers: fake.informers,
    clock,
    bindTimeoutMs: TIMEOUT_MS,
  });
  binder.start();
  return { fake, clock, binder };
}

describe('TestAssumePodVolumes', () => {
  const table: readonly (readonly [
    name: string,
    known: { volumes: readonly Volume[]; claims: readonly Claim[] },
    found: { bindings?: readonly Binding[]; provisions?: readonly Claim[] },
    expected: readonly string[] | 'fails',
  ])[] = [
    ['all-bound', { volumes: [f.pvBound], claims: [f.boundPVC] }, {}, []],
    [
      'one-binding',
      { volumes: [f.pvNode1a], claims: [f.unboundPVC] },
      { bindings: [binding(f.unboundPVC, f.pvNode1a)] },
      ['pv-node1a<-unbound-pvc'],
    ],
    [
      'two-bindings',
      { volumes: [f.pvNode1a, f.pvNode1b], claims: [f.unboundPVC, f.unboundPVC2] },
      { bindings: [binding(f.unboundPVC, f.pvNode1a), binding(f.unboundPVC2, f.pvNode1b)] },
      ['pv-node1a<-unbound-pvc', 'pv-node1b<-unbound-pvc2'],
    ],
    [
      'pv-already-bound',
      { volumes: [f.pvNode1aBound], claims: [f.unboundPVC] },
      { bindings: [binding(f.unboundPVC, f.pvNode1aBound)] },
      ['pv-node1a<-unbound-pvc'],
    ],
    [
      'tmpupdate-failed',
      { volumes: [f.pvNode1a], claims: [f.unboundPVC] },
      { bindings: [binding(f.unboundPVC, f.pvNode1a), binding(f.unboundPVC2, f.pvNode1b)] },
      'fails',
    ],
    [
      'one-binding, one-pvc-provisioned',
      { volumes: [f.pvNode1a], claims: [f.unboundPVC, f.provisionedPVC] },
      { bindings: [binding(f.unboundPVC, f.pvNode1a)], provisions: [f.provisionedPVC] },
      ['pv-node1a<-unbound-pvc', 'provisioned-pvc@node1'],
    ],
    [
      'one-binding, one-provision-tmpupdate-failed',
      { volumes: [f.pvNode1a], claims: [f.unboundPVC, f.provisionedPVCHigherVersion] },
      { bindings: [binding(f.unboundPVC, f.pvNode1a)], provisions: [f.provisionedPVC2] },
      'fails',
    ],
  ];
  for (const [name, known, { bindings = [], provisions = [] }, expected] of table) {
    it(name, () => {
      const { binder } = setUp(known);
      const assumed = () => [
        ...bindings.map(({ volume }) => {
          const { metadata, spec } = binder.volumes.get(volume.metadata.name) ?? volume;
          return spec?.claimRef && `${metadata.name}<-${spec.claimRef.name}`;
        }),
        ...provisions.map((claim) => {
          const { name, annotations } = (binder.claims.get(`default/${claim.metadata.name}`) ?? claim)
            .metadata;
          return annotations?.[SELECTED] && `${name}@${annotations[SELECTED]}`;
        }),
      ];
      const assume = () => binder.assume({ bindings, provisions }, 'node1');
      if (expected === 'fails') {
        const before = assumed();
        assert.throws(assume, /out of sync/);
        assert.deepEqual(assumed(), before, 'what was assumed is taken back');
      } else {
        assume();
        assert.deepEqual(assumed(), expected);
      }
    });
  }
});

describe('TestRevertAssumedPodVolumes', () => {
  it('restores the caches', () => {
    const { binder } = setUp({ volumes: [f.pvNode1a], claims: [f.unboundPVC, f.provisionedPVC] });
    const found = { bindings: [binding(f.unboundPVC, f.pvNode1a)], provisions: [f.provisionedPVC] };
    const assumed = binder.assume(found, 'node1');
    assert.notEqual(binder.volumes.get('pv-node1a'), f.pvNode1a);
    assert.notEqual(binder.claims.get('default/provisioned-pvc'), f.provisionedPVC);
    binder.revert(assumed);
    assert.equal(binder.volumes.get('pv-node1a'), f.pvNode1a);
    assert.equal(binder.claims.get('default/provisioned-pvc'), f.provisionedPVC);
  });
});

describe('TestBindAPIUpdate', () => {
  const takenByOther = f.atVersion('2', f.volume('pv-node1b', 'node1', '10G', f.boundPVC));
  const two = [binding(f.unboundPVC, f.pvNode1a), binding(f.unboundPVC2, f.pvNode1b)];
  const provisions = [f.provisionedPVC, f.provisionedPVC2];
  const sentElsewhere = f.atVersion('2', f.selected(f.provisionedPVC2, 'node2'));
  interface World {
    readonly bindings?: readonly Binding[];
    readonly provisions?: readonly Claim[];
    /** Only the server has these versions. */
    readonly ahead?: { readonly volumes?: readonly Volume[]; readonly claims?: readonly Claim[] };
  }
  const table: readonly (readonly [string, World, written: readonly string[], fails: boolean])[] = [
    ['nothing-to-bind-empty', {}, [], false],
    ['one-binding', { bindings: [binding(f.unboundPVC, f.pvNode1a)] }, ['pv-node1a'], false],
    ['two-bindings', { bindings: two }, ['pv-node1a', 'pv-node1b'], false],
    ['api-already-updated', { bindings: [binding(f.unboundPVC, f.pvNode1aBound)] }, ['pv-node1a'], false],
    ['api-update-failed', { bindings: two, ahead: { volumes: [takenByOther] } }, ['pv-node1a'], true],
    [
      'api-update-failed, by a version that is still good: written again',
      { bindings: two, ahead: { volumes: [f.atVersion('2', f.pvNode1bBound)] } },
      ['pv-node1a', 'pv-node1b'],
      false,
    ],
    ['one-provisioned-pvc', { provisions: [f.provisionedPVC] }, ['provisioned-pvc'], false],
    [
      'provision-api-update-failed',
      { provisions, ahead: { claims: [sentElsewhere] } },
      ['provisioned-pvc'],
      true,
    ],
    [
      'provision-api-update-failed, by a version that is still good: written again',
      { provisions, ahead: { claims: [f.provisionedPVCHigherVersion] } },
      ['provisioned-pvc', 'provisioned-pvc2'],
      false,
    ],
    [
      'binding-succeed, provision-api-update-failed',
      { bindings: [binding(f.unboundPVC, f.pvNode1a)], provisions, ahead: { claims: [sentElsewhere] } },
      ['provisioned-pvc', 'pv-node1a'],
      true,
    ],
  ];
  for (const [name, { bindings = [], provisions = [], ahead }, expected, fails] of table) {
    it(name, async () => {
      const { fake, binder } = setUp({ volumes: bindings.map(({ volume }) => volume), claims: provisions });
      fake.putOnServer(persistentVolumes, ...(ahead?.volumes ?? []));
      fake.putOnServer(persistentVolumeClaims, ...(ahead?.claims ?? []));
      const assumed = binder.assume({ bindings, provisions }, 'node1');
      // The wait that follows the writes ends at once.
      fake.remove(pods, pod);
      const failure = await binder.bind(podInfo(pod), 'node1', assumed, new AbortController().signal).then(
        () => 'none',
        (error: Error) => error.message,
      );
      assert.equal(/pod does not exist any more/.test(failure), !fails, failure);
      assert.deepEqual(fake.written.map(({ metadata }) => metadata.name).sort(), expected);
    });
  }
});

describe('TestBindPodVolumes', () => {
  interface World {
    readonly volumes?: readonly Volume[];
    readonly claims?: readonly Claim[];
    readonly nodes?: readonly Stored<Node>[];
    readonly binding?: Binding;
    readonly provision?: Claim;
    readonly ahead?: { readonly volume: Volume; readonly claim: Claim };
    /** Once it waits. */
    readonly later?: (fake: FakeCluster) => void;
  }
  const one = { volumes: [f.pvNode1a], claims: [f.unboundPVC], binding: binding(f.unboundPVC, f.pvNode1a) };
  /** As the informer will have it: one version on. */
  const complete = (claim: Claim, volumeName: string): Claim =>
    f.atVersion('3', {
      ...claim,
      metadata: {
        ...claim.metadata,
        annotations: { ...claim.metadata.annotations, 'pv.kubernetes.io/bind-completed': 'yes' },
      },
      spec: { ...claim.spec, volumeName },
    });
  const TIMEOUT = 'binding volumes: context deadline exceeded';
  const table: readonly (readonly [string, World, expected: string])[] = [
    ['nothing-to-bind-empty', {}, 'bound'],
    [
      'already-bound',
      {
        volumes: [f.pvNode1aBound],
        claims: [f.boundPVCNode1a],
        binding: binding(f.boundPVCNode1a, f.pvNode1aBound),
      },
      'bound',
    ],
    [
      'binding-static-pv-succeeds-after-time',
      { ...one, later: (fake) => fake.put(persistentVolumeClaims, complete(f.unboundPVC, 'pv-node1a')) },
      'bound',
    ],
    [
      'binding-dynamic-pv-succeeds-after-time',
      {
        claims: [f.provisionedPVC],
        provision: f.provisionedPVC,
        later: (fake) => {
          fake.put(persistentVolumes, f.volume('dynamic-pv', 'node1', '1G', f.provisionedPVC));
          fake.put(persistentVolumeClaims, complete(f.selectedNodePVC, 'dynamic-pv'));
        },
      },
      'bound',
    ],
    [
      'bound-by-pv-controller-before-bind: written again, and then waited for',
      { ...one, ahead: { volume: f.atVersion('2', f.pvNode1aBound), claim: f.boundPVCNode1a } },
      TIMEOUT,
    ],
    [
      'pod-deleted-after-time',
      { ...one, later: (fake) => fake.remove(pods, pod) },
      'binding volumes: pod does not exist any more: pod "test-pod" not found',
    ],
    ['binding-times-out', one, TIMEOUT],
    [
      'binding-fails',
      {
        volumes: [f.pvNode1b],
        claims: [f.unboundPVC2],
        binding: binding(f.unboundPVC2, f.pvNode1b),
        ahead: {
          volume: f.atVersion('2', f.volume('pv-node1b', 'node1', '10G', f.boundPVC)),
          claim: f.unboundPVC2,
        },
      },
      'Operation cannot be fulfilled on persistentvolumes "pv-node1b": the object has been modified; please apply your changes to the latest version and try again',
    ],
    [
      'check-fails',
      { ...one, later: (fake) => fake.remove(persistentVolumeClaims, f.unboundPVC) },
      'binding volumes: failed to check binding: persistentvolumeclaims "default/unbound-pvc" not found',
    ],
    [
      'node-affinity-fails',
      {
        volumes: [f.pvNode1aBound],
        claims: [f.boundPVCNode1a],
        binding: binding(f.boundPVCNode1a, f.pvNode1aBound),
        nodes: [f.node1NoLabels],
      },
      'binding volumes: pv "pv-node1a" node affinity doesn\'t match node "node1": no matching NodeSelectorTerms',
    ],
    [
      'node-affinity-fails-dynamic-provisioning',
      {
        volumes: [f.pvNode1a, f.pvNode2],
        claims: [f.selectedNodePVC],
        provision: f.selectedNodePVC,
        nodes: [f.node1, f.node2],
        later: (fake) => fake.put(persistentVolumeClaims, complete(f.selectedNodePVC, 'pv-node2')),
      },
      'binding volumes: pv "pv-node2" node affinity doesn\'t match node "node1": no matching NodeSelectorTerms',
    ],
  ];
  for (const [name, world, expected] of table) {
    it(name, async () => {
      const { fake, clock, binder } = setUp(world);
      const found = {
        bindings: world.binding ? [world.binding] : [],
        provisions: world.provision ? [world.provision] : [],
      };
      const assumed = binder.assume(found, 'node1');
      if (world.ahead) {
        fake.putOnServer(persistentVolumes, world.ahead.volume);
        fake.putOnServer(persistentVolumeClaims, world.ahead.claim);
      }
      fake.put(csiNodes, f.csiNode1NotMigrated);
      let outcome: string | undefined;
      const binding = binder.bind(podInfo(pod), 'node1', assumed, new AbortController().signal).then(
        () => {
          outcome = 'bound';
        },
        (error: Error) => {
          outcome = error.message;
        },
      );
      await clock.advance(0);
      if (world.later) {
        assert.equal(outcome, undefined, 'it waits');
        world.later(fake);
        await clock.advance(0);
      }
      if (outcome === undefined) await clock.advance(TIMEOUT_MS);
      await binding;
      assert.equal(outcome, expected);
    });
  }
});
