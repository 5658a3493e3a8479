import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CSINode, Node, PersistentVolume, PersistentVolumeClaim, Stored } from '../../../kube/index.ts';
import type { AssumedVolumes } from '../volume-binding/binder.ts';
import { checkBindings } from '../volume-binding/check-bindings.ts';
import * as f from './binder.fixtures.ts';

// TestCheckBindings and TestCheckBindingsWithCSIMigration of volumebinding/binder_test.go under their names, but for those
// of nil slices.

type Claim = Stored<PersistentVolumeClaim>;
type Volume = Stored<PersistentVolume>;
type Binding = AssumedVolumes['bindings'][number];

const binding = (claim: Claim, volume: Volume): Binding => ({ claim, volume });

interface Seen {
  readonly bindings?: readonly Binding[];
  readonly provisions?: readonly Claim[];
  readonly volumes?: readonly Volume[];
  readonly claims?: readonly Claim[];
  readonly node?: Stored<Node>;
  readonly csiNode?: Stored<CSINode>;
}

function check({ bindings = [], provisions = [], volumes = [], claims = [], node = f.node1, csiNode }: Seen) {
  const named = <T extends Volume | Claim>(list: readonly T[], name: string) =>
    list.find(({ metadata }) => metadata.name === name);
  try {
    return checkBindings(
      { bindings, provisions },
      { name: 'test-pod', nodeName: 'node1' },
      {
        node: () => node,
        csiNode: () => csiNode,
        isPodThere: () => true,
        volume: (name) => named(volumes, name),
        claim: (key) => named(claims, key.split('/')[1]!),
      },
    );
  } catch (error) {
    return (error as Error).message;
  }
}

describe('TestCheckBindings', () => {
  const bindings = [binding(f.unboundPVC, f.pvNode1aBound)];
  const provisions = [f.selected(f.provisionedPVC)];
  const table: readonly (readonly [string, Seen, boolean | RegExp])[] = [
    ['nothing-to-bind', {}, true],
    ['binding-bound', { bindings, volumes: [f.pvNode1aBound], claims: [f.boundPVCNode1a] }, true],
    ['binding-prebound', { bindings, volumes: [f.pvNode1aBound], claims: [f.preboundPVCNode1a] }, false],
    ['binding-unbound', { bindings, volumes: [f.pvNode1aBound], claims: [f.unboundPVC] }, false],
    [
      'binding-pvc-not-exists',
      { bindings, volumes: [f.pvNode1aBound] },
      /persistentvolumeclaims .* not found/,
    ],
    [
      'binding-pv-not-exists',
      { bindings, claims: [f.boundPVCNode1a] },
      /persistentvolumes "pv-node1a" not found/,
    ],
    [
      'binding-claimref-nil',
      { bindings, volumes: [f.pvNode1a], claims: [f.boundPVCNode1a] },
      /ClaimRef got reset/,
    ],
    [
      'binding-claimref-uid-empty',
      { bindings, volumes: [f.withoutClaimUID(f.pvNode1aBound)], claims: [f.boundPVCNode1a] },
      /ClaimRef got reset/,
    ],
    [
      'binding-one-bound,one-unbound',
      {
        bindings: [...bindings, binding(f.unboundPVC2, f.pvNode1bBound)],
        volumes: [f.pvNode1aBound, f.pvNode1bBound],
        claims: [f.boundPVCNode1a, f.unboundPVC2],
      },
      false,
    ],
    [
      'provisioning-pvc-bound',
      { provisions, volumes: [f.pvBound], claims: [f.selected(f.provisionedPVCBound)] },
      true,
    ],
    ['provisioning-pvc-unbound', { provisions, claims: [f.selected(f.provisionedPVC)] }, false],
    ['provisioning-pvc-not-exists', { provisions }, /persistentvolumeclaims .* not found/],
    [
      'provisioning-pvc-annotations-nil',
      {
        provisions,
        claims: [{ ...f.provisionedPVC, metadata: { ...f.provisionedPVC.metadata, annotations: undefined } }],
      },
      /selectedNode annotation reset for PVC "provisioned-pvc"/,
    ],
    [
      'provisioning-pvc-selected-node-dropped',
      { provisions, claims: [f.provisionedPVC] },
      /provisioning failed for PVC "provisioned-pvc"/,
    ],
    [
      'provisioning-pvc-selected-node-wrong-node',
      { provisions, claims: [f.selected(f.provisionedPVC, 'wrong-node')] },
      /provisioning failed for PVC "provisioned-pvc"/,
    ],
    [
      'binding-bound-provisioning-unbound',
      {
        bindings,
        provisions,
        volumes: [f.pvNode1aBound],
        claims: [f.boundPVCNode1a, f.selected(f.provisionedPVC)],
      },
      false,
    ],
    [
      'tolerate-provisioning-pvc-bound-pv-not-found',
      { provisions, claims: [f.selected(f.provisionedPVCBound)] },
      false,
    ],
  ];
  for (const [name, seen, expected] of table) {
    it(name, () => {
      const outcome = check(seen);
      if (typeof expected === 'boolean') assert.equal(outcome, expected);
      else assert.match(String(outcome), expected);
    });
  }
});

describe('TestCheckBindingsWithCSIMigration', () => {
  const bindings = [binding(f.unboundPVC, f.migrationPVBoundToUnbound)];
  const bound = { bindings, volumes: [f.migrationPVBoundToUnbound], claims: [f.unboundPVC] };
  const mismatch =
    'pv "pv-migration-bound" node affinity doesn\'t match node "node1": no matching NodeSelectorTerms';
  const table: readonly (readonly [string, Seen, boolean | string])[] = [
    [
      'provisioning-pvc-bound',
      {
        provisions: [f.selected(f.provMigrationPVCBound)],
        volumes: [f.migrationPVBound],
        claims: [f.selected(f.provMigrationPVCBound)],
        node: f.node1Zone1,
        csiNode: f.csiNode1Migrated,
      },
      true,
    ],
    ['binding-node-pv-same-zone', { ...bound, node: f.node1Zone1, csiNode: f.csiNode1Migrated }, false],
    ['binding-without-csinode', { ...bound, node: f.node1Zone1 }, false],
    ['binding-non-migrated-plugin', { ...bound, node: f.node1Zone1, csiNode: f.csiNode1NotMigrated }, false],
    [
      'binding-node-pv-in-different-zones',
      { ...bound, node: f.node1Zone2, csiNode: f.csiNode1Migrated },
      mismatch,
    ],
    [
      'binding-node-pv-different-zones-migration-off',
      {
        bindings: [binding(f.unboundPVC, f.nonmigrationPVBoundToUnbound)],
        volumes: [f.nonmigrationPVBoundToUnbound],
        claims: [f.unboundPVC],
        node: f.node1Zone2,
        csiNode: f.csiNode1Migrated,
      },
      false,
    ],
  ];
  for (const [name, seen, expected] of table) it(name, () => assert.equal(check(seen), expected));
});
