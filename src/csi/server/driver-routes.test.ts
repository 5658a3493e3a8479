import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FakeClock, silentLogger } from '../../base/index.ts';
import {
  controllerCapabilities,
  groupControllerCapabilities,
  nodeCapabilities,
  pluginCapabilities,
} from '../driver-capabilities.ts';
import { connectInMemory } from '../in-memory.ts';
import { driver } from '../test-support.ts';
import type { CsiServices } from './handlers.ts';

function connect(services: CsiServices) {
  return connectInMemory(services, { clock: new FakeClock(), log: silentLogger });
}

const answer = () => ({});

describe('derived capabilities', () => {
  it('are those that the handlers show, and those that the author states', async () => {
    const client = connect(
      driver({
        controller: {
          capabilities: ['CLONE_VOLUME'],
          createVolume: answer,
          deleteVolume: answer,
          controllerExpandVolume: answer,
          listVolumes: answer,
        },
        node: {
          capabilities: ['VOLUME_MOUNT_GROUP'],
          nodeStageVolume: answer,
          nodeUnstageVolume: answer,
        },
        groupController: {
          createVolumeGroupSnapshot: answer,
          deleteVolumeGroupSnapshot: answer,
          getVolumeGroupSnapshot: answer,
        },
      }),
    );
    assert.deepEqual(
      [...(await controllerCapabilities(client))],
      ['CREATE_DELETE_VOLUME', 'LIST_VOLUMES', 'CLONE_VOLUME', 'EXPAND_VOLUME'],
    );
    assert.deepEqual([...(await nodeCapabilities(client))], ['STAGE_UNSTAGE_VOLUME', 'VOLUME_MOUNT_GROUP']);
    assert.deepEqual(
      [...(await groupControllerCapabilities(client))],
      ['CREATE_DELETE_GET_VOLUME_GROUP_SNAPSHOT'],
    );
  });

  it('of the plugin are its services, topology and growth', async () => {
    const client = connect({
      identity: { name: 'd', vendorVersion: '1', topology: true, volumeExpansion: 'ONLINE' },
      controller: {},
      snapshotMetadata: {},
    });
    const { services, volumeExpansion } = await pluginCapabilities(client);
    assert.deepEqual([...services].sort(), [
      'CONTROLLER_SERVICE',
      'SNAPSHOT_METADATA_SERVICE',
      'VOLUME_ACCESSIBILITY_CONSTRAINTS',
    ]);
    assert.deepEqual([...volumeExpansion], ['ONLINE']);
  });

  it("the author's own answer goes before", async () => {
    const client = connect(
      driver({
        controller: { createVolume: answer, controllerGetCapabilities: () => ({ capabilities: [] }) },
      }),
    );
    assert.equal((await controllerCapabilities(client)).size, 0);
  });
});

describe('a driver that contradicts itself', () => {
  const cases: [string, CsiServices, RegExp][] = [
    [
      'a capability implemented by half',
      driver({ controller: { createVolume: answer } }),
      /CREATE_DELETE_VOLUME needs .* missing: deleteVolume/,
    ],
    [
      'a stated capability without its handlers',
      driver({ node: { capabilities: ['EXPAND_VOLUME'] } }),
      /EXPAND_VOLUME needs .* missing: nodeExpandVolume/,
    ],
    [
      'a handler that the service does not have',
      driver({ node: { nodeStage: answer } as object }),
      /there is no method nodeStage;/,
    ],
    [
      'a capability that does not exist',
      driver({ node: { capabilities: ['FLY' as 'EXPAND_VOLUME'] } }),
      /there is no capability "FLY"/,
    ],
    ['a bad name', { identity: { name: 'a_b', vendorVersion: '1' } }, /driver name "a_b"/],
    ['a long name', { identity: { name: 'a'.repeat(64), vendorVersion: '1' } }, /at most 63/],
    ['no version', { identity: { name: 'a', vendorVersion: '' } }, /vendorVersion is empty/],
  ];
  for (const [what, services, message] of cases) {
    it(`is refused for ${what}`, () => {
      assert.throws(() => connect(services), message);
    });
  }
});

describe('a driver that is a class', () => {
  it('keeps its this', async () => {
    class MyNode {
      #id = 'n1';
      nodeGetInfo() {
        return { nodeId: this.#id };
      }
    }
    const client = connect(driver({ node: new MyNode() }));
    assert.equal((await client.node.nodeGetInfo()).nodeId, 'n1');
  });
});
