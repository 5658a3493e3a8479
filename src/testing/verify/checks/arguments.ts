import { type Check, checksOf } from '../check.ts';
import type { Need } from '../needs.ts';
import type { Placed, Scene } from '../scene.ts';
import { readAll } from './streams.ts';

type Request = Readonly<Record<string, unknown>>;

/** A call, a request for it that is complete, and the fields without which it must be refused. */
interface Call {
  readonly rpc: string;
  readonly needs: readonly Need[];
  /** By the name in the request, that in the protocol. */
  readonly required: Readonly<Record<string, string>>;
  complete(scene: Scene): Promise<Request>;
  send(scene: Scene, request: Request): Promise<unknown>;
}

const VOLUME_ID = { volumeId: 'volume_id' };
const creates: readonly Need[] = ['Controller CREATE_DELETE_VOLUME'];
const onNode: readonly Need[] = ['node', 'Controller CREATE_DELETE_VOLUME'];

const id = async (scene: Scene) => ({ volumeId: (await scene.volume()).volumeId });

/** A volume that is attached and staged, as far as the driver has these steps, and mounted at a path of its own. */
async function mounted(scene: Scene): Promise<{ placed: Placed; targetPath: string }> {
  const placed = await scene.place(await scene.volume());
  return { placed, targetPath: await scene.mount(placed) };
}

const CALLS: readonly Call[] = [
  {
    rpc: 'CreateVolume',
    needs: creates,
    required: { name: 'name', volumeCapabilities: 'volume_capabilities' },
    complete: async (scene) => ({ ...(await scene.volumeRequest()) }),
    send: ({ csi }, request) => csi.controller.createVolume(request),
  },
  {
    rpc: 'DeleteVolume',
    needs: creates,
    required: VOLUME_ID,
    complete: id,
    send: ({ csi }, request) => csi.controller.deleteVolume(request),
  },
  {
    rpc: 'ControllerPublishVolume',
    needs: [...onNode, 'Controller PUBLISH_UNPUBLISH_VOLUME'],
    required: { ...VOLUME_ID, nodeId: 'node_id', volumeCapability: 'volume_capability' },
    complete: async (scene) => scene.publishRequest(await scene.volume()),
    send: ({ csi }, request) => csi.controller.controllerPublishVolume(request),
  },
  {
    rpc: 'ControllerUnpublishVolume',
    needs: [...creates, 'Controller PUBLISH_UNPUBLISH_VOLUME'],
    required: VOLUME_ID,
    complete: id,
    send: ({ csi }, request) => csi.controller.controllerUnpublishVolume(request),
  },
  {
    rpc: 'ValidateVolumeCapabilities',
    needs: creates,
    required: { ...VOLUME_ID, volumeCapabilities: 'volume_capabilities' },
    complete: async (scene) => ({ ...(await id(scene)), volumeCapabilities: [scene.capability()] }),
    send: ({ csi }, request) => csi.controller.validateVolumeCapabilities(request),
  },
  {
    rpc: 'ControllerGetVolume',
    needs: [...creates, 'Controller GET_VOLUME'],
    required: VOLUME_ID,
    complete: id,
    send: ({ csi }, request) => csi.controller.controllerGetVolume(request),
  },
  {
    rpc: 'ControllerModifyVolume',
    needs: [...creates, 'Controller MODIFY_VOLUME'],
    required: VOLUME_ID,
    complete: async (scene) => ({
      ...(await id(scene)),
      mutableParameters: { ...scene.options.mutableParameters },
    }),
    send: ({ csi }, request) => csi.controller.controllerModifyVolume(request),
  },
  {
    rpc: 'ControllerExpandVolume',
    needs: [...creates, 'Controller EXPAND_VOLUME'],
    required: { ...VOLUME_ID, capacityRange: 'capacity_range' },
    complete: async (scene) => ({
      ...(await id(scene)),
      capacityRange: { requiredBytes: scene.options.sizeBytes * 2n },
      volumeCapability: scene.capability(),
    }),
    send: ({ csi }, request) => csi.controller.controllerExpandVolume(request),
  },
  {
    rpc: 'CreateSnapshot',
    needs: [...creates, 'Controller CREATE_DELETE_SNAPSHOT'],
    required: { name: 'name', sourceVolumeId: 'source_volume_id' },
    complete: async (scene) => scene.snapshotRequest((await scene.volume()).volumeId),
    send: ({ csi }, request) => csi.controller.createSnapshot(request),
  },
  {
    rpc: 'DeleteSnapshot',
    needs: ['Controller CREATE_DELETE_SNAPSHOT'],
    required: { snapshotId: 'snapshot_id' },
    complete: async (scene) => ({ snapshotId: scene.unknownId() }),
    send: ({ csi }, request) => csi.controller.deleteSnapshot(request),
  },
  {
    rpc: 'GetSnapshot',
    needs: ['Controller GET_SNAPSHOT'],
    required: { snapshotId: 'snapshot_id' },
    complete: async (scene) => ({ snapshotId: scene.unknownId() }),
    send: ({ csi }, request) => csi.controller.getSnapshot(request),
  },
  {
    rpc: 'NodeStageVolume',
    needs: [...onNode, 'Node STAGE_UNSTAGE_VOLUME'],
    required: {
      ...VOLUME_ID,
      stagingTargetPath: 'staging_target_path',
      volumeCapability: 'volume_capability',
    },
    async complete(scene) {
      const volume = await scene.volume();
      const stagingTargetPath = await scene.path('staging');
      await scene.options.host.files.makeDirectory(stagingTargetPath, 0o750);
      return scene.stageRequest({ volume, publishContext: await scene.attach(volume), stagingTargetPath });
    },
    send: ({ csi }, request) => csi.node.nodeStageVolume(request),
  },
  {
    rpc: 'NodeUnstageVolume',
    needs: [...onNode, 'Node STAGE_UNSTAGE_VOLUME'],
    required: { ...VOLUME_ID, stagingTargetPath: 'staging_target_path' },
    async complete(scene) {
      const { volume, stagingTargetPath } = await scene.place(await scene.volume());
      return { volumeId: volume.volumeId, stagingTargetPath };
    },
    send: ({ csi }, request) => csi.node.nodeUnstageVolume(request),
  },
  {
    rpc: 'NodePublishVolume',
    needs: onNode,
    required: { ...VOLUME_ID, targetPath: 'target_path', volumeCapability: 'volume_capability' },
    complete: async (scene) =>
      scene.mountRequest(await scene.place(await scene.volume()), await scene.path('target')),
    send: ({ csi }, request) => csi.node.nodePublishVolume(request),
  },
  {
    rpc: 'NodeUnpublishVolume',
    needs: onNode,
    required: { ...VOLUME_ID, targetPath: 'target_path' },
    async complete(scene) {
      const { placed, targetPath } = await mounted(scene);
      return { volumeId: placed.volume.volumeId, targetPath };
    },
    send: ({ csi }, request) => csi.node.nodeUnpublishVolume(request),
  },
  {
    rpc: 'NodeGetVolumeStats',
    needs: [...onNode, 'Node GET_VOLUME_STATS'],
    required: { ...VOLUME_ID, volumePath: 'volume_path' },
    async complete(scene) {
      const { placed, targetPath } = await mounted(scene);
      const { volume, stagingTargetPath } = placed;
      return { volumeId: volume.volumeId, volumePath: targetPath, stagingTargetPath };
    },
    send: ({ csi }, request) => csi.node.nodeGetVolumeStats(request),
  },
  {
    rpc: 'NodeExpandVolume',
    needs: [...onNode, 'Node EXPAND_VOLUME'],
    required: { ...VOLUME_ID, volumePath: 'volume_path' },
    async complete(scene) {
      const { placed, targetPath } = await mounted(scene);
      const { volume, stagingTargetPath } = placed;
      const volumeCapability = scene.capability();
      return { volumeId: volume.volumeId, volumePath: targetPath, stagingTargetPath, volumeCapability };
    },
    send: ({ csi }, request) => csi.node.nodeExpandVolume(request),
  },
  {
    rpc: 'CreateVolumeGroupSnapshot',
    needs: [...creates, 'Group CREATE_DELETE_GET_VOLUME_GROUP_SNAPSHOT'],
    required: { name: 'name', sourceVolumeIds: 'source_volume_ids' },
    complete: async (scene) => ({
      name: scene.name(),
      sourceVolumeIds: [(await scene.volume()).volumeId],
      parameters: { ...scene.options.snapshotParameters },
    }),
    send: ({ csi }, request) => csi.groupController.createVolumeGroupSnapshot(request),
  },
  {
    rpc: 'DeleteVolumeGroupSnapshot',
    needs: ['Group CREATE_DELETE_GET_VOLUME_GROUP_SNAPSHOT'],
    required: { groupSnapshotId: 'group_snapshot_id' },
    complete: async (scene) => ({ groupSnapshotId: scene.unknownId(), snapshotIds: [scene.unknownId()] }),
    send: ({ csi }, request) => csi.groupController.deleteVolumeGroupSnapshot(request),
  },
  {
    rpc: 'GetVolumeGroupSnapshot',
    needs: ['Group CREATE_DELETE_GET_VOLUME_GROUP_SNAPSHOT'],
    required: { groupSnapshotId: 'group_snapshot_id' },
    complete: async (scene) => ({ groupSnapshotId: scene.unknownId(), snapshotIds: [scene.unknownId()] }),
    send: ({ csi }, request) => csi.groupController.getVolumeGroupSnapshot(request),
  },
  {
    rpc: 'GetMetadataAllocated',
    needs: ['Plugin SNAPSHOT_METADATA_SERVICE'],
    required: { snapshotId: 'snapshot_id' },
    complete: async (scene) => ({ snapshotId: scene.unknownId() }),
    send: ({ csi }, request) => readAll(csi.snapshotMetadata.getMetadataAllocated(request)),
  },
  {
    rpc: 'GetMetadataDelta',
    needs: ['Plugin SNAPSHOT_METADATA_SERVICE'],
    required: { baseSnapshotId: 'base_snapshot_id', targetSnapshotId: 'target_snapshot_id' },
    complete: async (scene) => ({ baseSnapshotId: scene.unknownId(), targetSnapshotId: scene.unknownId() }),
    send: ({ csi }, request) => readAll(csi.snapshotMetadata.getMetadataDelta(request)),
  },
];

/** Calls without what they require. The rest of the request is whole, so that nothing else can be the reason. */
export const argumentChecks: readonly Check[] = CALLS.flatMap(({ rpc, needs, required, complete, send }) =>
  checksOf(
    rpc,
    needs,
    Object.entries(required).map(([field, name]) => [
      `without-${name.replaceAll('_', '-')}`,
      `Without ${name} it is refused`,
      async (scene) => {
        const { [field]: _, ...rest } = await complete(scene);
        await scene.refuses(
          send(scene, rest),
          ['INVALID_ARGUMENT'],
          `${name} is required; a request without it is answered with INVALID_ARGUMENT`,
        );
      },
    ]),
  ),
);
