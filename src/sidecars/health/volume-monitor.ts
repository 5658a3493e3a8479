import { errorMessage, sleep } from '../../base/index.ts';
import type { ComponentContext, EventRecorder } from '../../client/index.ts';
import type { CsiClient } from '../../csi/index.ts';
import {
  events,
  isBeingDeleted,
  type PersistentVolume,
  persistentVolumeClaims,
  persistentVolumes,
  type Stored,
} from '../../kube/index.ts';
import type { Flags } from './options.ts';
import { conditionOf, listConditions, type VolumeCondition } from './volume-conditions.ts';

const ABNORMAL = 'VolumeConditionAbnormal';
const BY_ABNORMAL = 'health/abnormal';

/** Asks the driver now and then how its bound volumes are, and tells their claims. */
export class VolumeMonitor {
  readonly #context: ComponentContext;
  readonly #csi: CsiClient;
  readonly #driver: string;
  readonly #recorder: EventRecorder;
  readonly #flags: Flags;
  readonly #volumes;
  readonly #claims;
  readonly #events;
  /** Volumes in the order in which it is their turn. */
  readonly #turns = new Set<string>();

  constructor(
    context: ComponentContext,
    csi: CsiClient,
    driver: string,
    recorder: EventRecorder,
    flags: Flags,
  ) {
    this.#context = context;
    this.#csi = csi;
    this.#driver = driver;
    this.#recorder = recorder;
    this.#flags = flags;
    const { informers } = context;
    this.#volumes = informers.of(persistentVolumes);
    this.#claims = informers.of(persistentVolumeClaims);
    this.#events = informers
      .of(events)
      .addIndex(BY_ABNORMAL, ({ type, reason, involvedObject }) =>
        type === 'Warning' && reason === ABNORMAL && involvedObject.uid ? [involvedObject.uid] : [],
      );
  }

  get informers() {
    return [this.#volumes, this.#claims, this.#events];
  }

  /** `NAMESPACE/NAME` of the claims that are bound to a volume of the driver. */
  *boundClaims(): Iterable<string> {
    for (const volume of this.#volumes.values()) if (this.#isBound(volume)) yield claimKey(volume);
  }

  /** By lists of all volumes. */
  async runByList(signal: AbortSignal): Promise<void> {
    await this.#every(this.#flags.listVolumesIntervalMs, signal, async (limit) => {
      const conditions = await listConditions(this.#csi, limit);
      for (const volume of this.#volumes.values()) {
        const condition = conditions.get(volume.spec?.csi?.volumeHandle ?? '');
        if (condition && this.#isBound(volume)) this.#tell(volume, condition);
      }
    });
  }

  /** One by one: so many in each interval, in turns. */
  async runOneByOne(signal: AbortSignal): Promise<void> {
    const enqueue = (volume: Stored<PersistentVolume>) => {
      if (this.#isBound(volume)) this.#turns.add(volume.metadata.name);
    };
    const stop = this.#volumes.on({ added: enqueue, updated: enqueue });
    const { monitorIntervalMs, workerThreads } = this.#flags;
    const worker = () => this.#every(monitorIntervalMs, signal, (limit) => this.#askNext(limit));
    try {
      await Promise.all(Array.from({ length: workerThreads }, worker));
    } finally {
      stop();
    }
  }

  async #askNext(signal: AbortSignal): Promise<void> {
    const { value: name } = this.#turns.values().next();
    if (name === undefined) return;
    this.#turns.delete(name);
    const volume = this.#volumes.get(name);
    if (!volume || !this.#isBound(volume)) return;
    try {
      this.#tell(volume, await conditionOf(this.#csi, volume.spec!.csi!.volumeHandle, signal));
    } finally {
      this.#turns.add(name);
    }
  }

  /** At once, and then after each interval, with a limit on the time of a look; what fails is told in the log. */
  async #every(
    intervalMs: number,
    signal: AbortSignal,
    look: (limit: AbortSignal) => Promise<void>,
  ): Promise<void> {
    const { clock, log } = this.#context;
    while (!signal.aborted) {
      const limit = new AbortController();
      const timer = clock.after(this.#flags.timeoutMs, () => limit.abort(), { unref: true });
      try {
        await look(AbortSignal.any([signal, limit.signal]));
      } catch (error) {
        if (!signal.aborted)
          log.warn('the condition of volumes is not known', { error: errorMessage(error) });
      } finally {
        timer.cancel();
        // Or the process would keep the signal of each look, if anybody still listens to it.
        limit.abort();
      }
      await sleep(clock, intervalMs, signal).catch(() => undefined);
    }
  }

  #isBound(volume: Stored<PersistentVolume>): boolean {
    return (
      volume.spec?.csi?.driver === this.#driver && volume.status?.phase === 'Bound' && !isBeingDeleted(volume)
    );
  }

  #tell(volume: Stored<PersistentVolume>, { abnormal, message }: VolumeCondition): void {
    const claim = this.#claims.byKey(claimKey(volume));
    if (!claim) return;
    if (abnormal) this.#recorder.event(claim, 'Warning', ABNORMAL, message);
    // Recovery is told for as long as somebody can still see that there was something to recover from.
    else if (this.#events.byIndex(BY_ABNORMAL, claim.metadata.uid).length > 0)
      this.#recorder.event(
        claim,
        'Normal',
        'VolumeConditionNormal',
        'The Volume returns to the healthy state',
      );
  }
}

function claimKey({ spec }: PersistentVolume): string {
  return `${spec?.claimRef?.namespace}/${spec?.claimRef?.name}`;
}
