import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Node, PersistentVolume, PersistentVolumeClaim, Stored } from '../../../kube/index.ts';
import { newClaim, newNode, newVolume } from '../../fixtures.ts';
import { checkBindings } from './check-bindings.ts';

type Volume = Stored<PersistentVolume>;
type Claim = Stored<PersistentVolumeClaim>;

const at = <T extends Volume | Claim>(resourceVersion: string, object: T): T => ({
  ...object,
  metadata: { ...object.metadata, resourceVersion },
});
const selected = { 'volume.kubernetes.io/selected-node': 'n1' };
const held = at('9', newVolume('pv', { claim: { name: 'data', uid: 'uid-data' } }));
const bound = newClaim('data', { boundTo: 'pv' });
const sent = at('9', newClaim('data', { annotations: selected }));

interface Seen {
  readonly node?: Node | null;
  readonly pod?: boolean;
  readonly volume?: Volume | null;
  readonly claim?: Claim | null;
}

function check(kind: 'binding' | 'provision', seen: Seen): boolean | string {
  const or = <T>(given: T | null | undefined, otherwise: T): T | undefined =>
    given === undefined ? otherwise : (given ?? undefined);
  const written =
    kind === 'binding'
      ? { bindings: [{ volume: held, claim: newClaim('data') }], provisions: [] }
      : { bindings: [], provisions: [sent] };
  try {
    return checkBindings(
      written,
      { name: 'p', nodeName: 'n1' },
      {
        node: () => or<Node>(seen.node, newNode('n1')),
        csiNode: () => undefined,
        isPodThere: () => seen.pod ?? true,
        volume: () => or<Volume>(seen.volume, held),
        claim: () =>
          or<Claim>(
            seen.claim,
            kind === 'binding' ? bound : at('10', newClaim('data', { boundTo: 'pv', annotations: selected })),
          ),
      },
    );
  } catch (error) {
    return (error as Error).message;
  }
}

describe('checkBindings', () => {
  const far = at('10', newVolume('pv', { reach: ['zone', 'x'], claim: { name: 'data', uid: 'uid-data' } }));
  const mismatch = 'pv "pv" node affinity doesn\'t match node "n1": no matching NodeSelectorTerms';
  const cases: readonly [string, 'binding' | 'provision', Seen, boolean | string][] = [
    ['bound', 'binding', {}, true],
    ['not bound yet', 'binding', { claim: newClaim('data') }, false],
    ['our write is not seen yet', 'binding', { volume: at('8', newVolume('pv')) }, false],
    [
      'the claim was taken off the volume',
      'binding',
      { volume: at('10', newVolume('pv')) },
      'ClaimRef got reset for pv "pv"',
    ],
    ['out of reach', 'binding', { volume: far }, mismatch],
    [
      'the volume is gone',
      'binding',
      { volume: null },
      'failed to check binding: persistentvolumes "pv" not found',
    ],
    [
      'the claim is gone',
      'binding',
      { claim: null },
      'failed to check binding: persistentvolumeclaims "default/data" not found',
    ],
    ['made and bound', 'provision', {}, true],
    ['not made yet', 'provision', { claim: sent }, false],
    ['our write is not seen yet', 'provision', { claim: newClaim('data') }, false],
    ['given back', 'provision', { claim: at('10', newClaim('data')) }, 'provisioning failed for PVC "data"'],
    ['the volume is not heard of yet', 'provision', { volume: null }, false],
    ['made out of reach', 'provision', { volume: far }, mismatch],
    [
      'the claim is gone',
      'provision',
      { claim: null },
      'failed to check provisioning pvc: persistentvolumeclaims "default/data" not found',
    ],
    ['the node is gone', 'provision', { node: null }, 'failed to get node "n1": node "n1" not found'],
    ['the pod is gone', 'provision', { pod: false }, 'pod does not exist any more: pod "p" not found'],
  ];
  for (const [fact, kind, seen, expected] of cases) {
    it(`${kind}, ${fact}: ${expected}`, () => assert.equal(check(kind, seen), expected));
  }
});
