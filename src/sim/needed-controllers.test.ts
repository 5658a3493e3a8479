import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { controllerUser } from '../cluster/identities.ts';
import type { Action } from './actions.ts';
import { neededControllers } from './needed-controllers.ts';
import { drawSetting } from './setting.ts';
import { SIZES } from './sizes.ts';

const GARBAGE = controllerUser('generic-garbage-collector').name;
const NODES = controllerUser('node-controller').name;

function needed(...actions: Action[]) {
  const steps = actions.map((action) => ({ atMs: 0, action }));
  return neededControllers(drawSetting(1, SIZES.small), steps);
}

describe('the controllers of a small world', () => {
  const lose: Action = { do: 'lose', node: 'node-2', helpMs: 1_000 };
  const powerOff: Action = { do: 'power-off', node: 'node-2', forMs: 1_000 };
  const withScratch: Action = { do: 'pod', pod: 'pod-1', claims: [], extras: [], scratch: 'network' };
  const cases: [string, Action[], { nodes: boolean; garbage: boolean }][] = [
    ['nothing happens', [], { nodes: false, garbage: false }],
    ['a node is away', [powerOff], { nodes: true, garbage: false }],
    // Its CSINode has to go: as long as that is there the provisioner takes the node for one that comes back.
    ['a node is lost, and deleted', [lose], { nodes: true, garbage: true }],
    ['a pod has a volume of its own', [withScratch], { nodes: false, garbage: true }],
  ];
  for (const [what, actions, { nodes, garbage }] of cases)
    it(`${what}: node life cycle ${nodes}, garbage collection ${garbage}`, () => {
      const controllers = needed(...actions);
      assert.deepEqual([controllers?.has(NODES), controllers?.has(GARBAGE)], [nodes, garbage]);
    });

  it('all run in a large one', () => {
    assert.equal(neededControllers(drawSetting(1, SIZES.large), []), undefined);
  });
});
