import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { AttachState } from './actual-state-of-world.ts';
import { attachOrder } from './attach-order.ts';

it('a volume is attached first where it may be already', () => {
  const states: Record<string, AttachState> = { a: 'detached', b: 'attached', c: 'uncertain', d: 'detached' };
  const wanted = ['a', 'b', 'c', 'd'].map((nodeName) => ({ nodeName }));
  const order = attachOrder(wanted, (nodeName) => states[nodeName]!).map(({ nodeName }) => nodeName);
  assert.deepEqual(order, ['c', 'a', 'b', 'd']);
});
