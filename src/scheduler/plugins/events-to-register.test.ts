import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FakeClock, seededRandom, silentLogger } from '../../base/index.ts';
import { Informers } from '../../client/index.ts';
import { Cache } from '../cache.ts';
import {
  ADD,
  DELETE,
  UPDATE,
  UPDATE_NODE_ALLOCATABLE,
  UPDATE_NODE_LABEL,
  UPDATE_NODE_TAINT,
  UPDATE_POD_GATES_ELIMINATED,
  UPDATE_POD_LABEL,
  UPDATE_POD_SCALE_DOWN,
  UPDATE_POD_TOLERATION,
} from '../cluster-events.ts';
import { Nominator } from '../nominator.ts';
import { defaultPlugins } from './index.ts';

/** EventsToRegister of each plugin of the default profile in Kubernetes 1.36, with queueing hints. */
const UPSTREAM: Readonly<Record<string, readonly (readonly [resource: string, actions: number])[]>> = {
  SchedulingGates: [['Pod', UPDATE_POD_GATES_ELIMINATED]],
  NodeUnschedulable: [
    ['Node', ADD | UPDATE_NODE_TAINT],
    ['Pod', UPDATE_POD_TOLERATION],
  ],
  NodeName: [['Node', ADD]],
  TaintToleration: [
    ['Node', ADD | UPDATE_NODE_TAINT],
    ['Pod', UPDATE_POD_TOLERATION],
  ],
  NodeAffinity: [['Node', ADD | UPDATE_NODE_LABEL]],
  NodePorts: [
    ['Pod', DELETE],
    ['Node', ADD],
  ],
  NodeResourcesFit: [
    ['Pod', DELETE | UPDATE_POD_SCALE_DOWN],
    ['Node', ADD | UPDATE_NODE_ALLOCATABLE],
  ],
  VolumeRestrictions: [
    ['Pod', DELETE],
    ['Node', ADD],
    ['PersistentVolumeClaim', ADD],
  ],
  NodeVolumeLimits: [
    ['CSINode', ADD],
    ['CSINode', UPDATE],
    ['Pod', DELETE],
    ['PersistentVolumeClaim', ADD],
    ['VolumeAttachment', DELETE],
  ],
  VolumeBinding: [
    ['StorageClass', ADD | UPDATE],
    ['PersistentVolumeClaim', ADD | UPDATE],
    ['PersistentVolume', ADD | UPDATE],
    ['Node', ADD | UPDATE_NODE_LABEL],
    ['CSINode', ADD | UPDATE],
    ['CSIDriver', UPDATE],
    ['CSIStorageCapacity', ADD | UPDATE],
  ],
  VolumeZone: [
    ['StorageClass', ADD],
    ['Node', ADD | UPDATE_NODE_LABEL],
    ['PersistentVolumeClaim', ADD | UPDATE],
    ['PersistentVolume', ADD | UPDATE],
  ],
  PodTopologySpread: [
    ['Pod', ADD | UPDATE_POD_LABEL | UPDATE_POD_TOLERATION | DELETE],
    ['Node', ADD | DELETE | UPDATE_NODE_LABEL | UPDATE_NODE_TAINT],
  ],
  InterPodAffinity: [
    ['Pod', ADD | UPDATE_POD_LABEL | DELETE],
    ['Node', ADD | UPDATE_NODE_LABEL],
  ],
  // Of the kinds that there are here.
  DynamicResources: [['Node', ADD | UPDATE_NODE_LABEL | UPDATE_NODE_ALLOCATABLE]],
  DefaultPreemption: [['Pod', DELETE]],
};

/** They score or bind, and refuse nobody. */
const REFUSE_NOBODY = ['NodeResourcesBalancedAllocation', 'ImageLocality', 'DefaultBinder'];

describe('the events that plugins wait for', () => {
  const shared = { clock: new FakeClock(), random: seededRandom(1), log: silentLogger };
  const client = undefined as never;
  const { plugins } = defaultPlugins({
    ...shared,
    client,
    informers: new Informers({ ...shared, client }),
    recorder: { event: () => undefined },
    cluster: new Cache(),
    nominator: new Nominator(),
    activate: () => undefined,
  });
  for (const { plugin } of plugins) {
    it(`of ${plugin.name} are upstream's`, () => {
      const found = plugin.interests?.map(({ resource, actions }) => [resource, actions]);
      assert.deepEqual(found, REFUSE_NOBODY.includes(plugin.name) ? undefined : UPSTREAM[plugin.name]);
    });
  }

  it('are known of every plugin', () => {
    const names = plugins.map(({ plugin }) => plugin.name);
    assert.deepEqual([...names].sort(), [...Object.keys(UPSTREAM), ...REFUSE_NOBODY].sort());
  });
});
