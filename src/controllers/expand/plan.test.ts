import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  ANN_PRE_RESIZE_CAPACITY,
  type PersistentVolume,
  type PersistentVolumeClaim,
} from '../../kube/index.ts';
import { concernsExpansion, planExpansion } from './plan.ts';

interface Given {
  readonly asked: string;
  readonly has: string;
  readonly volume: string;
  readonly status?: string;
  readonly begun?: string;
  readonly noted?: string;
}

function objects({ asked, has, volume, status, begun, noted }: Given) {
  const claim: PersistentVolumeClaim = {
    spec: { resources: { requests: { storage: asked } } },
    status: {
      capacity: { storage: has },
      allocatedResources: begun ? { storage: begun } : undefined,
      allocatedResourceStatuses: status ? { storage: status } : undefined,
    },
  };
  const pv: PersistentVolume = {
    metadata: { annotations: noted ? { [ANN_PRE_RESIZE_CAPACITY]: noted } : {} },
    spec: { capacity: { storage: volume } },
  };
  return [claim, pv] as const;
}

describe('planExpansion', () => {
  const small = { asked: '2G', has: '1G', volume: '1G' };
  const large = { asked: '2G', has: '1G', volume: '2G' };
  const to = (newSize: string) => ({ action: 'expand', newSize });
  const table: [string, Given, object][] = [
    ['a larger claim has its volume expanded', small, to('2G')],
    [
      'an expansion under way keeps its size, though more is asked for',
      { ...small, asked: '3G', begun: '2G', status: 'ControllerResizeInProgress' },
      to('2G'),
    ],
    [
      'so does one that waits for its node',
      { ...small, asked: '3G', begun: '2G', status: 'NodeResizePending' },
      to('2G'),
    ],
    [
      'an impossible one gives way to a smaller wish',
      { ...small, asked: '1500M', begun: '5G', status: 'ControllerResizeInfeasible' },
      to('1500M'),
    ],
    [
      'a volume that has its size waits for its node',
      { ...large, status: 'NodeResizePending' },
      { action: 'nothing' },
    ],
    ['also while the node is at it', { ...large, status: 'NodeResizeInProgress' }, { action: 'nothing' }],
    [
      'a node that failed is asked again',
      { ...large, status: 'NodeResizeInfeasible' },
      { action: 'askNode' },
    ],
    [
      'a success that was not written down is repeated to the same size',
      { ...large, begun: '2G', status: 'ControllerResizeInProgress' },
      to('2G'),
    ],
    [
      'also after the wish was taken back',
      { ...large, asked: '1500M', begun: '2G', status: 'ControllerResizeInfeasible' },
      to('2G'),
    ],
    ['also when only the size is known', { ...large, asked: '1500M', begun: '2G' }, to('2G')],
    ['and to the wish when nothing is', large, to('2G')],
    [
      'all done: the old size is forgotten',
      { asked: '2G', has: '2G', volume: '2G', noted: '1G' },
      { action: 'forgetOldSize' },
    ],
  ];
  for (const [name, given, expected] of table) {
    it(name, () => assert.deepEqual(planExpansion(...objects(given)), expected));
  }

  it('concerns claims that ask for more, and volumes that note an old size', () => {
    const same = { asked: '1G', has: '1G', volume: '1G' };
    assert.equal(concernsExpansion(...objects(small)), true);
    assert.equal(concernsExpansion(...objects(same)), false);
    assert.equal(concernsExpansion(...objects({ ...same, noted: '1G' })), true);
  });
});
