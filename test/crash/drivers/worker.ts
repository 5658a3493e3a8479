import type { Random } from '../../../src/base/index.ts';
import type { CsiClient } from '../../../src/csi/index.ts';
import type { Ledger, Snapshot, Thing, Volume } from './ledger.ts';
import type { Storage } from './storage.ts';

const MIB = 1n << 20n;
const VOLUMES = ['v0', 'v1', 'v2', 'v3'];
const SNAPSHOTS = ['s0', 's1'];
let stamps = 0;

export interface Load {
  readonly client: CsiClient;
  readonly ledger: Ledger;
  readonly storage: Storage;
  readonly random: Random;
  /** Whether the driver is being killed: from then on calls may fail. */
  readonly isOver: () => boolean;
}

/** Makes, fills, copies, publishes, grows and deletes volumes of its own until the driver is gone. @throws CsiError for a refusal */
export async function workUntilGone(worker: number, load: Load): Promise<void> {
  const { random, isOver } = load;
  const own = (name: string) => `w${worker}-${name}`;
  while (!isOver()) {
    const id = own(pick(VOLUMES, random)!);
    try {
      const call = callOn(id, own(pick(SNAPSHOTS, random)!), VOLUMES.map(own), load);
      await call();
    } catch (error) {
      if (!isOver()) throw error;
      return;
    }
  }
}

/** Something that can be done with a volume as it is now. */
function callOn(id: string, snapshotId: string, volumes: readonly string[], load: Load): () => Promise<void> {
  const { client, ledger, storage, random } = load;
  const { controller } = client;
  const ask = async (name: string, outcome: Thing | undefined, call: () => Promise<unknown>) => {
    ledger.ask(name, outcome);
    await call();
    ledger.answered(name);
  };
  const volume = ledger.known(id) as Volume | undefined;
  const snapshot = ledger.known(snapshotId) as Snapshot | undefined;
  const dice = random.next();
  if (!volume) {
    const other = pick(
      volumes.filter((name) => ledger.known(name)),
      random,
    );
    const source = dice < 0.25 ? snapshot && snapshotId : dice < 0.5 ? other : undefined;
    return () => create(id, source, load);
  }
  if (dice < 0.15)
    return () =>
      snapshot
        ? ask(snapshotId, undefined, () => controller.deleteSnapshot({ snapshotId }))
        : ask(snapshotId, snapshotOf(id, volume), () =>
            controller.createSnapshot({ name: snapshotId, sourceVolumeId: id }),
          );
  if (dice < 0.35) {
    const sizeBytes = volume.sizeBytes + MIB;
    return () =>
      ask(id, { ...volume, sizeBytes }, () =>
        controller.controllerExpandVolume({ volumeId: id, capacityRange: { requiredBytes: sizeBytes } }),
      );
  }
  if (volume.isPublished)
    return () => ask(id, { ...volume, isPublished: false }, () => storage.unpublish(client, id));
  if (dice < 0.6) return () => ask(id, { ...volume, isPublished: true }, () => storage.publish(client, id));
  return () => ask(id, undefined, () => controller.deleteVolume({ volumeId: id }));
}

/** Makes a volume, empty or of something, and writes into it. */
async function create(id: string, source: string | undefined, load: Load): Promise<void> {
  const { client, ledger, storage } = load;
  const of = source === undefined ? undefined : ledger.known(source);
  const sizeBytes = of?.sizeBytes ?? 16n * MIB;
  ledger.ask(id, { kind: 'volume', sizeBytes, stamp: of?.stamp ?? '', isPublished: false });
  await client.controller.createVolume({
    name: id,
    capacityRange: { requiredBytes: sizeBytes },
    volumeCapabilities: storage.capability,
    ...(of && { volumeContentSource: sourceOf(source!, of) }),
  });
  ledger.answered(id);
  const stamp = `stamp ${++stamps} of ${id}`;
  storage.stamp(id, stamp);
  ledger.stamped(id, stamp);
}

function sourceOf(id: string, { kind }: Thing) {
  return {
    type:
      kind === 'snapshot'
        ? { case: kind, value: { snapshotId: id } }
        : { case: kind, value: { volumeId: id } },
  };
}

function snapshotOf(sourceVolumeId: string, { sizeBytes, stamp }: Volume): Snapshot {
  return { kind: 'snapshot', sourceVolumeId, sizeBytes, stamp };
}

function pick<T>(list: readonly T[], random: Random): T | undefined {
  return list[Math.floor(random.next() * list.length)];
}
