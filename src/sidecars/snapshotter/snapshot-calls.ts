import type { Clock } from '../../base/index.ts';
import type { csi } from '../../csi/index.ts';
import type { Stored, VolumeSnapshotContent } from '../../kube/index.ts';
import type { CallParts, SnapshotCalls } from './content-kind.ts';
import type { CutSnapshot } from './content-status.ts';

/** The calls to the driver that concern one snapshot. Source: snapshotter.go and csi_handler.go of csi-snapshotter. */
export function snapshotCalls({
  csi: client,
  driver,
  clock,
  timeoutMs,
}: CallParts): SnapshotCalls<Stored<VolumeSnapshotContent>, CutSnapshot> {
  const { controller } = client;

  /** How the driver says the snapshot is; undefined when it cannot be asked. */
  async function ask(
    snapshotId: string,
    secrets: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<CutSnapshot | undefined> {
    const canGet = driver.controller.has('GET_SNAPSHOT');
    if (!canGet && !driver.controller.has('LIST_SNAPSHOTS')) return undefined;
    const request = { snapshotId, secrets };
    const options = { timeoutMs, signal };
    const snapshot = canGet
      ? (await controller.getSnapshot(request, options)).snapshot
      : (await controller.listSnapshots(request, options)).entries[0]?.snapshot;
    if (!snapshot) throw new Error(`can not find snapshot for snapshotID ${snapshotId}`);
    return cutSnapshot(snapshot, clock);
  }

  return {
    async create({ spec }, request, signal) {
      const sourceVolumeId = spec.source.volumeHandle ?? '';
      const { snapshot } = await controller.createSnapshot(
        { ...request, sourceVolumeId },
        { timeoutMs, signal },
      );
      if (!snapshot) throw new Error(`CreateSnapshot of ${request.name} answered without a snapshot`);
      return cutSnapshot(snapshot, clock);
    },

    /** One that the driver cannot be asked about is taken for good. Source: GetSnapshotStatus. */
    async look({ spec, status }, secrets, signal) {
      const snapshotHandle = status?.snapshotHandle ?? spec.source.snapshotHandle ?? '';
      const told = await ask(snapshotHandle, secrets, signal);
      if (told) return { ...told, snapshotHandle };
      const creationTime = clock.now() * 1e6;
      return { snapshotHandle, readyToUse: true, creationTime, sizeBytes: 0, groupSnapshotHandle: '' };
    },

    async delete({ status }, secrets, signal) {
      const snapshotId = status?.snapshotHandle ?? '';
      await controller.deleteSnapshot({ snapshotId, secrets }, { timeoutMs, signal });
    },
  };
}

/** A snapshot as the driver describes it. One without a time is taken for new. */
export function cutSnapshot(snapshot: csi.Snapshot, clock: Clock): CutSnapshot {
  const { creationTime: time } = snapshot;
  return {
    snapshotHandle: snapshot.snapshotId,
    readyToUse: snapshot.readyToUse,
    creationTime: time ? Number(time.seconds) * 1e9 + time.nanos : clock.now() * 1e6,
    sizeBytes: Number(snapshot.sizeBytes),
    groupSnapshotHandle: snapshot.groupSnapshotId,
  };
}
