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
    const name = own(pick(VOLUMES, random)!);
    try {
      const call = callOn(name, own(pick(SNAPSHOTS, random)!), VOLUMES.map(own), load);
      await call();
    } catch (error) {
      if (!isOver()) throw error;
      return;
    }
  }
}

/** Something that can be done with a volume as it is now. */
function callOn(
  name: string,
  snapshotId: string,
  volumes: readonly string[],
  load: Load,
): () => Promise<void> {
  const { client, ledger, storage, random } = load;
  const id = idOf(name, load);
  const ask = (what: string, outcome: Thing | undefined, call: (client: CsiClient) => Promise<unknown>) =>
    ledger.ask(what, outcome, client, call);
  const volume = ledger.known(id) as Volume | undefined;
  const snapshot = ledger.known(snapshotId) as Snapshot | undefined;
  const { secrets = {} } = storage;
  const dice = random.next();
  if (!volume) {
    const other = pick(
      volumes.filter((each) => ledger.known(each)),
      random,
    );
    const source = dice < 0.25 ? snapshot && snapshotId : dice < 0.5 ? other : undefined;
    return () => create(name, storage.managesData ? source : undefined, load);
  }
  if (dice < 0.15 && storage.managesData)
    return () =>
      snapshot
        ? ask(snapshotId, undefined, ({ controller }) => controller.deleteSnapshot({ snapshotId }))
        : ask(snapshotId, snapshotOf(id, volume), ({ controller }) =>
            controller.createSnapshot({ name: snapshotId, sourceVolumeId: id }),
          );
  if (dice < 0.35 && storage.managesData) {
    const sizeBytes = volume.sizeBytes + MIB;
    return () =>
      ask(id, { ...volume, sizeBytes }, ({ controller }) =>
        controller.controllerExpandVolume({ volumeId: id, capacityRange: { requiredBytes: sizeBytes } }),
      );
  }
  if (volume.isPublished)
    return () => ask(id, { ...volume, isPublished: false }, (to) => storage.unpublish(to, id));
  if (dice < 0.6) return () => ask(id, { ...volume, isPublished: true }, (to) => storage.publish(to, id));
  return () => ask(id, undefined, ({ controller }) => controller.deleteVolume({ volumeId: id, secrets }));
}

/** Makes a volume, empty or of something, and writes into it. */
async function create(name: string, source: string | undefined, load: Load): Promise<void> {
  const { client, ledger, storage } = load;
  const id = idOf(name, load);
  const of = source === undefined ? undefined : ledger.known(source);
  const sizeBytes = of?.sizeBytes ?? 16n * MIB;
  const made: Volume = { kind: 'volume', sizeBytes, stamp: of?.stamp ?? '', isPublished: false };
  await ledger.ask(id, made, client, ({ controller }) =>
    controller.createVolume({
      name,
      capacityRange: { requiredBytes: sizeBytes },
      volumeCapabilities: [storage.capability],
      parameters: storage.parametersOf?.(name),
      secrets: storage.secrets,
      ...(of && { volumeContentSource: sourceOf(source!, of) }),
    }),
  );
  const stamp = `stamp ${++stamps} of ${id}`;
  await storage.stamp(id, stamp);
  ledger.stamped(id, stamp);
}

function idOf(name: string, { storage }: Load): string {
  return storage.idOf?.(name) ?? name;
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
