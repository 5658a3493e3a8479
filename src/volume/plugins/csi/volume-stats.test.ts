import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { NodeService } from '../../../csi/index.ts';
import { specFromVolume } from '../../index.ts';
import { DRIVER, host, NODE, spec, start } from './csi.test-support.ts';
import { createCsiPlugin } from './index.ts';
import { ephemeralHandle } from './names.ts';

const [BYTES, INODES] = [1, 2];
const usage = [
  { unit: BYTES, total: 1000n, used: 400n, available: 600n },
  { unit: INODES, total: 10n, used: 4n, available: 6n },
];
const expected = { capacity: 1000, used: 400, available: 600, inodes: 10, inodesUsed: 4, inodesFree: 6 };
const volumeCondition = { abnormal: true, message: 'a disk is gone' };

describe('the state of a CSI volume', () => {
  const request = { spec, podUid: 'u', path: '/pods/u/mount' };
  const stats: NodeService['nodeGetVolumeStats'] = () => ({ usage, volumeCondition });

  it('is unknown of a driver that keeps no account', async (test) => {
    const { node, signal } = await start(test);
    assert.equal(await node.stats!({ ...request, signal }), undefined);
  });

  it('is what the driver says of the volume at the path', async (test) => {
    const asked: string[] = [];
    const { node, signal } = await start(test, {
      nodeGetVolumeStats: ({ volumeId, volumePath }) => {
        asked.push(`${volumeId} ${volumePath}`);
        return { usage, volumeCondition };
      },
    });
    assert.deepEqual(await node.stats!({ ...request, signal }), expected);
    const inline = specFromVolume({ name: 'data', csi: { driver: DRIVER } });
    await node.stats!({ ...request, spec: inline, signal });
    assert.deepEqual(asked, ['vol-1 /pods/u/mount', `${ephemeralHandle('u', 'data')} /pods/u/mount`]);
  });

  for (const [volumeHealth, told] of [
    [true, volumeCondition],
    [false, undefined],
  ] as const)
    it(`has a condition where CSIVolumeHealth is ${volumeHealth}`, async (test) => {
      const stack = await start(test, { nodeGetVolumeStats: stats }, ['VOLUME_CONDITION']);
      const { shared, drivers, nodeRoot, signal } = stack;
      const plugin = createCsiPlugin({
        ...shared,
        node: { host, drivers, nodeRoot, nodeName: NODE, volumeHealth },
      });
      assert.deepEqual((await plugin.stats!({ ...request, signal }))?.condition, told);
    });

  it('is an error when the driver says nothing', async (test) => {
    const { node, signal } = await start(test, { nodeGetVolumeStats: () => ({}) });
    await assert.rejects(
      node.stats!({ ...request, signal }),
      /^Error: failed to get usage from response. usage is nil$/,
    );
  });
});
