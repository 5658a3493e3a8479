import type { Clock } from '../../base/index.ts';
import { type CsiClient, type csi, rpcErrorText } from '../../csi/index.ts';
import type { Driver } from '../shared/driver.ts';
import type { CutSnapshot } from './content-status.ts';

interface Calls {
  readonly csi: CsiClient;
  readonly driver: Driver;
  readonly clock: Clock;
  readonly timeoutMs: number;
}

/** The calls to the driver that concern one snapshot. Source: snapshotter.go and csi_handler.go of csi-snapshotter. */
export class SnapshotCalls {
  readonly #calls: Calls;

  constructor(calls: Calls) {
    this.#calls = calls;
  }

  async create(
    request: {
      readonly name: string;
      readonly sourceVolumeId: string;
      readonly parameters: Record<string, string>;
      readonly secrets: Record<string, string>;
    },
    signal: AbortSignal,
  ): Promise<CutSnapshot> {
    const { snapshot } = await this.#calls.csi.controller.createSnapshot(request, this.#options(signal));
    if (!snapshot) throw new Error(`CreateSnapshot of ${request.name} answered without a snapshot`);
    return cutSnapshot(snapshot, this.#calls.clock);
  }

  async delete(snapshotId: string, secrets: Record<string, string>, signal: AbortSignal): Promise<void> {
    await this.#calls.csi.controller.deleteSnapshot({ snapshotId, secrets }, this.#options(signal));
  }

  /** How a snapshot is. One that the driver cannot be asked about is taken for good. Source: GetSnapshotStatus. */
  async look(snapshotId: string, secrets: Record<string, string>, signal: AbortSignal): Promise<CutSnapshot> {
    const { csi: client, driver, clock } = this.#calls;
    if (driver.controller.has('GET_SNAPSHOT')) {
      const { snapshot } = await client.controller.getSnapshot(
        { snapshotId, secrets },
        this.#options(signal),
      );
      if (!snapshot) throw new Error(`can not find snapshot for snapshotID ${snapshotId}`);
      return cutSnapshot(snapshot, clock);
    }
    if (!driver.controller.has('LIST_SNAPSHOTS')) {
      return {
        snapshotHandle: snapshotId,
        readyToUse: true,
        creationTime: clock.now() * 1e6,
        sizeBytes: 0,
        groupSnapshotHandle: '',
      };
    }
    const { entries } = await client.controller.listSnapshots({ snapshotId, secrets }, this.#options(signal));
    const snapshot = entries[0]?.snapshot;
    if (!snapshot) throw new Error(`can not find snapshot for snapshotID ${snapshotId}`);
    return cutSnapshot(snapshot, clock);
  }

  #options(signal: AbortSignal) {
    return { timeoutMs: this.#calls.timeoutMs, signal };
  }
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

/** An error of the driver as Go's %q puts it into a message. */
export function quoted(error: unknown): string {
  return JSON.stringify(rpcErrorText(error));
}
