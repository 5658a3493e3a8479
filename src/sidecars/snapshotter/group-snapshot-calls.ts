import type { Stored, VolumeGroupSnapshotContent } from '../../kube/index.ts';
import type { CallParts, SnapshotCalls } from './content-kind.ts';
import type { CutGroup } from './group-content-status.ts';

/** The calls to the driver that concern a group. Source: group_snapshotter.go and csi_handler.go of csi-snapshotter. */
export function groupSnapshotCalls({
  csi,
  timeoutMs,
}: CallParts): SnapshotCalls<Stored<VolumeGroupSnapshotContent>, CutGroup> {
  const { groupController } = csi;
  return {
    async create({ spec }, request, signal) {
      const sourceVolumeIds = [...(spec.source.volumeHandles ?? [])];
      const options = { timeoutMs, signal };
      const { groupSnapshot } = await groupController.createVolumeGroupSnapshot(
        { ...request, sourceVolumeIds },
        options,
      );
      if (!groupSnapshot) throw new Error('CreateVolumeGroupSnapshot answered without a group snapshot');
      return groupSnapshot;
    },

    async look({ spec }, secrets, signal) {
      const { volumeGroupSnapshotHandle, volumeSnapshotHandles } = spec.source.groupSnapshotHandles!;
      const { groupSnapshot } = await groupController.getVolumeGroupSnapshot(
        { groupSnapshotId: volumeGroupSnapshotHandle, snapshotIds: [...volumeSnapshotHandles], secrets },
        { timeoutMs, signal },
      );
      if (!groupSnapshot) throw new Error('GetVolumeGroupSnapshot answered without a group snapshot');
      // Snapshots of a group that is brought back are brought back one by one.
      return { ...groupSnapshot, snapshots: [] };
    },

    async delete({ spec, status }, secrets, signal) {
      const known = (status?.volumeSnapshotInfoList ?? []).flatMap(
        ({ snapshotHandle }) => snapshotHandle ?? [],
      );
      const given = spec.source.groupSnapshotHandles?.volumeSnapshotHandles ?? [];
      const groupSnapshotId = status?.volumeGroupSnapshotHandle ?? '';
      const snapshotIds = [...(known.length > 0 ? known : given)];
      await groupController.deleteVolumeGroupSnapshot(
        { groupSnapshotId, snapshotIds, secrets },
        { timeoutMs, signal },
      );
    },
  };
}
