import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CSINode, Node } from '../../kube/index.ts';
import {
  csiNodeWithDriver,
  csiNodeWithoutDriver,
  type DriverNodeInfo,
  nodeWithDriver,
  nodeWithoutDriver,
} from './node-info.ts';

const NODE_IDS = 'csi.volume.kubernetes.io/nodeid';

describe('what a driver says about a node', () => {
  const info: DriverNodeInfo = { driver: 'd', nodeId: 'id', maxVolumes: 3n, topology: { zone: 'a' } };
  const node = (labels: Record<string, string>, ids?: string): Node => ({
    metadata: { labels, annotations: ids === undefined ? {} : { [NODE_IDS]: ids } },
  });

  it('becomes an annotation and labels', () => {
    assert.deepEqual(nodeWithDriver(node({}, '{"c":"x"}'), info), {
      labels: { zone: 'a' },
      annotations: { [NODE_IDS]: '{"c":"x","d":"id"}' },
    });
    assert.equal(nodeWithDriver(node({ zone: 'a' }, '{"d":"id"}'), info), undefined);
  });

  it('must not contradict a label', () => {
    assert.throws(
      () => nodeWithDriver(node({ zone: 'b' }), info),
      /detected topology value collision: driver reported "zone":"a" but existing label is "zone":"b"/,
    );
  });

  it('goes from the annotation, not from the labels', () => {
    assert.deepEqual(nodeWithoutDriver(node({ zone: 'a' }, '{"c":"x","d":"id"}'), 'd'), {
      annotations: { [NODE_IDS]: '{"c":"x"}' },
    });
    assert.deepEqual(nodeWithoutDriver(node({}, '{"d":"id"}'), 'd'), { annotations: { [NODE_IDS]: null } });
    assert.equal(nodeWithoutDriver(node({}), 'd'), undefined);
  });

  it('becomes an entry of the CSINode', () => {
    const empty: CSINode = { spec: { drivers: [] } };
    const entry = { name: 'd', nodeID: 'id', topologyKeys: ['zone'], allocatable: { count: 3 } };
    const installed = csiNodeWithDriver(empty, info)!;
    assert.deepEqual(installed.spec.drivers, [entry]);
    assert.equal(csiNodeWithDriver(installed, info), undefined, 'nothing to write');
    const unlimited = csiNodeWithDriver(installed, { ...info, maxVolumes: 0n });
    assert.equal(unlimited?.spec.drivers[0]?.allocatable, undefined);
    const huge = csiNodeWithDriver(installed, { ...info, maxVolumes: 2n ** 40n });
    assert.equal(huge?.spec.drivers[0]?.allocatable?.count, 2 ** 31 - 1);
    assert.deepEqual(csiNodeWithoutDriver(installed, 'd')?.spec.drivers, []);
    assert.equal(csiNodeWithoutDriver(installed, 'other'), undefined);
  });
});
