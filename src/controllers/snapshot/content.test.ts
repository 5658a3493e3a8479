import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type {
  Node,
  PersistentVolume,
  Stored,
  VolumeSnapshot,
  VolumeSnapshotClass,
} from '../../kube/index.ts';
import { type ContentOptions, newContent } from './content.ts';

const snapshot = {
  metadata: { name: 's', namespace: 'ns', uid: 'u' },
  spec: { source: { persistentVolumeClaimName: 'c' } },
} as Stored<VolumeSnapshot>;
const snapshotClass = {
  metadata: { name: 'class' },
  driver: 'd',
  deletionPolicy: 'Delete',
} as unknown as Stored<VolumeSnapshotClass>;

const node = (name: string, labels: Record<string, string> = {}): Node => ({ metadata: { name, labels } });
const NODES = [node('n1', { zone: 'a' }), node('n2', { zone: 'b' }), node('n3', { zone: 'b' })];

/** A volume for nodes whose label zone is one of these; for all when there are none. */
function volume(...zones: string[]): PersistentVolume {
  const matchExpressions = [{ key: 'zone', operator: 'In', values: zones }];
  return {
    metadata: { name: 'pv' },
    spec: {
      csi: { driver: 'd', volumeHandle: 'v' },
      volumeMode: 'Block',
      ...(zones.length > 0 && { nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions }] } } }),
    },
  };
}

const contentOf = (of: PersistentVolume, options: Partial<ContentOptions> = {}) =>
  newContent(snapshot, snapshotClass, of, { tellsVolumeMode: true, ...options });

describe('a content that is made for a snapshot', () => {
  for (const [what, of, nodes, label] of [
    ['goes to the node that its volume is on', volume('a'), NODES, 'n1'],
    ['goes to the first of several', volume('b'), NODES, 'n2'],
    ['goes to nobody where the volume is everywhere', volume(), NODES, undefined],
    ['goes to nobody where the node is gone', volume('c'), NODES, undefined],
    ['goes to nobody unless snapshotting is distributed', volume('a'), undefined, undefined],
  ] as const)
    it(what, () => {
      const labels = label === undefined ? undefined : { 'snapshot.storage.kubernetes.io/managed-by': label };
      assert.deepEqual(contentOf(of, { nodes }).metadata?.labels, labels);
    });

  it('says of which mode its volume is, unless nobody is to look at it', () => {
    assert.equal(contentOf(volume()).spec.sourceVolumeMode, 'Block');
    assert.equal(contentOf(volume(), { tellsVolumeMode: false }).spec.sourceVolumeMode, undefined);
  });
});
