import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CycleState } from '../cycle-state.ts';
import { NodeStatuses } from '../fit-error.ts';
import { newPodInfo } from '../fixtures.ts';
import { SKIP } from '../status.ts';
import { dynamicResources } from './dynamic-resources.ts';

const plugin = dynamicResources();

describe('DynamicResources', () => {
  it('holds a pod back that claims devices, and no other', () => {
    const claims = { resourceClaims: [{ name: 'gpu', resourceClaimName: 'one' }] };
    assert.deepEqual(plugin.preEnqueue!(newPodInfo('p', claims))?.reasons, [
      'resource claim "gpu" cannot be allocated',
    ]);
    assert.equal(plugin.preEnqueue!(newPodInfo('p')), undefined);
  });

  it('says that there is nothing to take back, and fails where it was never asked before', () => {
    const pod = newPodInfo('p');
    const say = (state: CycleState) => plugin.postFilter!(state, pod, new NodeStatuses(), undefined as never);
    const state = new CycleState();
    assert.throws(() => say(state), /^Error: not found$/);
    assert.equal(plugin.preFilter!(state, pod, []), SKIP);
    assert.deepEqual(say(state), { message: 'no new claims to deallocate' });
  });
});
