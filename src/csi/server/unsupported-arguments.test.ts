import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FakeClock, silentLogger } from '../../base/index.ts';
import { CsiError } from '../error.ts';
import type * as csi from '../generated/csi_pb.js';
import { VolumeCapability_AccessMode_Mode as Mode } from '../generated/csi_pb.js';
import { connectInMemory } from '../in-memory.ts';
import { driver } from '../test-support.ts';
import type { CsiServices } from './handlers.ts';

const answer = () => ({});
const createDelete = { createVolume: answer, deleteVolume: answer };
const capability = {
  accessType: { case: 'mount' as const, value: {} },
  accessMode: { mode: Mode.SINGLE_NODE_WRITER },
};
const wanted = { name: 'n', volumeCapabilities: [capability] };
const grouped = {
  volumeId: 'v',
  stagingTargetPath: '/s',
  targetPath: '/t',
  volumeCapability: {
    ...capability,
    accessType: { case: 'mount' as const, value: { volumeMountGroup: '1000' } },
  },
};
const snapshots = { createSnapshot: answer, deleteSnapshot: answer };
const stages = { nodeStageVolume: answer, nodeUnstageVolume: answer };
const publishes = { nodePublishVolume: answer, nodeUnpublishVolume: answer };

type Client = ReturnType<typeof connectInMemory>;

/** An argument, the driver that may not be given it, and the same driver with what it lacked. */
const CASES: readonly {
  field: string;
  capability: string;
  call: (client: Client) => Promise<unknown>;
  without: CsiServices;
  having: CsiServices;
}[] = [
  {
    field: 'volume_content_source.snapshot',
    capability: 'CREATE_DELETE_SNAPSHOT',
    call: ({ controller }) =>
      controller.createVolume({
        ...wanted,
        volumeContentSource: { type: { case: 'snapshot', value: { snapshotId: 's' } } },
      }),
    without: driver({ controller: createDelete }),
    having: driver({ controller: { ...createDelete, ...snapshots } }),
  },
  {
    field: 'volume_content_source.volume',
    capability: 'CLONE_VOLUME',
    call: ({ controller }) =>
      controller.createVolume({
        ...wanted,
        volumeContentSource: { type: { case: 'volume', value: { volumeId: 'v' } } },
      }),
    without: driver({ controller: createDelete }),
    having: driver({ controller: { ...createDelete, capabilities: ['CLONE_VOLUME'] } }),
  },
  {
    field: 'mutable_parameters',
    capability: 'MODIFY_VOLUME',
    call: ({ controller }) => controller.createVolume({ ...wanted, mutableParameters: { iops: '1' } }),
    without: driver({ controller: createDelete }),
    having: driver({ controller: { ...createDelete, controllerModifyVolume: answer } }),
  },
  {
    field: 'accessibility_requirements',
    capability: 'VOLUME_ACCESSIBILITY_CONSTRAINTS',
    call: ({ controller }) => controller.createVolume({ ...wanted, accessibilityRequirements: {} }),
    without: driver({ controller: createDelete }),
    having: {
      identity: { name: 'd', vendorVersion: '1', topology: true },
      controller: createDelete,
    },
  },
  {
    field: 'readonly',
    capability: 'PUBLISH_READONLY',
    call: ({ controller }) =>
      controller.controllerPublishVolume({
        volumeId: 'v',
        nodeId: 'n',
        volumeCapability: capability,
        readonly: true,
      }),
    without: driver({ controller: { controllerPublishVolume: answer, controllerUnpublishVolume: answer } }),
    having: driver({
      controller: {
        capabilities: ['PUBLISH_READONLY'],
        controllerPublishVolume: answer,
        controllerUnpublishVolume: answer,
      },
    }),
  },
  ...(['nodeStageVolume', 'nodePublishVolume'] as const).map((method) => ({
    field: 'volume_capability.mount.volume_mount_group',
    capability: 'VOLUME_MOUNT_GROUP',
    call: ({ node }: Client) => node[method](grouped),
    without: driver({ node: { ...stages, ...publishes } }),
    having: driver({ node: { ...stages, ...publishes, capabilities: ['VOLUME_MOUNT_GROUP'] } }),
  })),
];

describe('arguments that need a capability', () => {
  const connect = (services: CsiServices) =>
    connectInMemory(services, { clock: new FakeClock(), log: silentLogger });

  for (const { field, capability: lacking, call, without, having } of CASES) {
    it(`${field} is refused without ${lacking}, and taken with it`, async () => {
      await assert.rejects(call(connect(without)), (error) => {
        assert.ok(error instanceof CsiError);
        assert.equal(error.codeName, 'INVALID_ARGUMENT');
        assert.equal(
          error.details,
          `${field} is given, but this driver does not have the capability ${lacking}`,
        );
        return true;
      });
      await call(connect(having));
    });
  }

  it('are left to a driver that answers for its capabilities itself', async () => {
    const service = {
      ...createDelete,
      controllerGetCapabilities: (): csi.ControllerGetCapabilitiesResponse => assert.fail('not asked'),
    };
    const { field, call } = CASES[1]!;
    assert.equal(field, 'volume_content_source.volume');
    await call(connect(driver({ controller: service })));
  });
});
