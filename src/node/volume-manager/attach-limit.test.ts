import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FakeClock } from '../../base/index.ts';
import type { PersistentVolume, Pod, Stored } from '../../kube/index.ts';
import {
  createPluginRegistry,
  specFromPersistentVolume,
  VolumeAttachLimitExceededError,
  type VolumePlugin,
  type VolumeSpec,
} from '../../volume/index.ts';
import { ActualStateOfWorld } from './actual-state-of-world.ts';
import { attachLimitExceeded } from './attach-limit.ts';
import { DesiredStateOfWorld } from './desired-state-of-world.ts';

const spec = specFromPersistentVolume(
  { metadata: { name: 'pv' }, spec: {} } as Stored<PersistentVolume>,
  false,
);
const timedOut = new Error('unmounted volumes=[data]: context deadline exceeded');

async function told(isFull: boolean, isAttached = false): Promise<unknown> {
  const plugin = {
    name: 'test/x',
    canSupport: () => true,
    volumeName: ({ name }: VolumeSpec) => name,
    attacher: { canAttach: () => true, verifyExhaustedResource: async () => isFull },
  } as unknown as VolumePlugin;
  const desired = new DesiredStateOfWorld(createPluginRegistry([plugin]), new FakeClock());
  const actual = new ActualStateOfWorld();
  const name = desired.addPodToVolume({ metadata: { uid: 'u' } } as Stored<Pod>, spec, 'data');
  if (isAttached) actual.markAttached(name, plugin, spec, '', 'yes');
  return await attachLimitExceeded(desired, actual, 'u', timedOut, new AbortController().signal);
}

describe('volumes that did not come', () => {
  it('mean that the node is full if the plugin of one that is not attached says so', async () => {
    const error = await told(true);
    assert.ok(error instanceof VolumeAttachLimitExceededError);
    assert.equal(
      error.message,
      'Node has reached its volume attachment limit, rejecting pod. unmounted volumes=[data]: context deadline exceeded',
    );
  });

  it('mean no more than they say otherwise', async () => {
    assert.equal(await told(false), timedOut);
    assert.equal(await told(true, true), timedOut);
  });
});
