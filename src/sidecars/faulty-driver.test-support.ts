import { Code, type ControllerService, CsiStatus, type csi } from '../csi/index.ts';

/**
 * What becomes of a call. `late`: it is done, but the answer comes too late; `unavailable`: it is not, and nobody can tell;
 * `refused`: it is not, for want of room, unless it was done before.
 */
export type Fate = 'done' | 'late' | 'unavailable' | 'refused';

const CODES = {
  late: Code.DEADLINE_EXCEEDED,
  unavailable: Code.UNAVAILABLE,
  refused: Code.RESOURCE_EXHAUSTED,
} as const;

/**
 * Volumes and snapshots in maps, for tests of what goes wrong: each call may end as its fate says, or be held up. What
 * must never be asked of a driver ends the test.
 */
export class FaultyDriver {
  readonly volumes = new Map<string, csi.CreateVolumeRequest>();
  readonly snapshots = new Map<string, csi.CreateSnapshotRequest>();
  readonly calls: string[] = [];
  /** Asked once a call. */
  fate: (call: string) => Fate = () => 'done';
  /** What a call waits for before it does anything. */
  gate: (call: string) => Promise<void> | undefined = () => undefined;
  /** What was asked that must not be. */
  readonly violations: string[] = [];
  readonly #cutting = new Map<string, number>();
  readonly #waiting = new Set<{ call: string; resolve: () => void }>();

  /** Resolves once such a call has begun, be it long ago. */
  called(call: string): Promise<void> {
    if (this.calls.includes(call)) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.add({ call, resolve }));
  }

  readonly service: ControllerService = {
    createVolume: (request) =>
      this.#run('CreateVolume', this.volumes.has(`v-${request.name}`), () => {
        const { volumeContentSource: source } = request;
        const volumeId = `v-${request.name}`;
        // What is there already needs its source no more.
        const needed = source?.type.case === 'snapshot' ? source.type.value.snapshotId : undefined;
        if (needed !== undefined && !this.volumes.has(volumeId) && !this.snapshots.has(needed))
          throw new CsiStatus(Code.NOT_FOUND, 'no such snapshot');
        this.volumes.set(volumeId, request);
        const capacityBytes = request.capacityRange?.requiredBytes ?? 0n;
        return { volume: { volumeId, capacityBytes, contentSource: source } };
      }),
    deleteVolume: ({ volumeId }) =>
      this.#run('DeleteVolume', !this.volumes.has(volumeId), () => {
        if (this.#cutting.has(volumeId))
          this.violations.push(`DeleteVolume of ${volumeId} while it is being snapshotted`);
        this.volumes.delete(volumeId);
        return {};
      }),
    createSnapshot: async (request) => {
      const { sourceVolumeId, name } = request;
      this.#cutting.set(sourceVolumeId, (this.#cutting.get(sourceVolumeId) ?? 0) + 1);
      try {
        return await this.#run('CreateSnapshot', this.snapshots.has(`s-${name}`), () => {
          const snapshotId = `s-${name}`;
          // Asked again for a snapshot that nobody wants any more, to know what became of it.
          if (!this.snapshots.has(snapshotId) && !this.volumes.has(sourceVolumeId))
            throw new CsiStatus(Code.NOT_FOUND, 'no such volume');
          this.snapshots.set(snapshotId, request);
          const creationTime = { seconds: 1n, nanos: 0 };
          return {
            snapshot: { snapshotId, sourceVolumeId, readyToUse: true, creationTime, sizeBytes: 1n << 20n },
          };
        });
      } finally {
        const left = this.#cutting.get(sourceVolumeId)! - 1;
        if (left === 0) this.#cutting.delete(sourceVolumeId);
        else this.#cutting.set(sourceVolumeId, left);
      }
    },
    deleteSnapshot: ({ snapshotId }) =>
      this.#run('DeleteSnapshot', !this.snapshots.has(snapshotId), () => {
        this.snapshots.delete(snapshotId);
        return {};
      }),
  };

  async #run<T>(call: string, wasDone: boolean, work: () => T): Promise<T> {
    this.calls.push(call);
    for (const one of this.#waiting)
      if (one.call === call) {
        this.#waiting.delete(one);
        one.resolve();
      }
    const fate = this.fate(call);
    await this.gate(call);
    if (fate === 'done' || (fate === 'refused' && wasDone)) return work();
    if (fate === 'late') work();
    throw new CsiStatus(CODES[fate], fate);
  }
}
