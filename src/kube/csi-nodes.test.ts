import assert from 'node:assert/strict';
import { it } from 'node:test';
import { driverOf, driversOf } from './csi-nodes.ts';
import type { CSINode } from './types.ts';

it('a node without drivers has none, however that is written', () => {
  const nodes = [undefined, {}, { spec: {} }, { spec: { drivers: null } }, { spec: { drivers: [] } }];
  for (const node of nodes) {
    assert.deepEqual(driversOf(node as CSINode | undefined), []);
    assert.equal(driverOf(node as CSINode | undefined, 'a'), undefined);
  }
  const node = { spec: { drivers: [{ name: 'a', nodeID: 'n' }] } };
  assert.equal(driverOf(node, 'a')?.nodeID, 'n');
  assert.equal(driverOf(node, 'b'), undefined);
});
