import { type BackoffPolicy, backoffDelay, errorMessage, type Logger } from '../../base/index.ts';
import { Code, type CsiServices, CsiStatus } from '../../csi/index.ts';
import type { Host } from '../../host/index.ts';
import { handleOf } from '../shared/names.ts';
import { checkParameters } from '../shared/parameters.ts';
import { snapshotMessage } from '../shared/snapshot-messages.ts';
import type { SnapshotRecord } from './record.ts';
import { recordOf, type SnapshotOptions, snapshottable, takeAll } from './snapshot-controller.ts';
import { snapshotKey } from './volume-source.ts';

type GroupController = NonNullable<CsiServices['groupController']>;

/** There while file systems may be frozen: who dies meanwhile thaws them when he is back. */
const FROZEN = '.frozen';
/** What a group froze is thawed before another freezes anything. */
const FREEZING = 'frozen file systems';
const THAW_BACKOFF: BackoffPolicy = { initialMs: 100, maxMs: 10_000 };

/** Snapshots of several volumes at one moment: their file systems are frozen while the images are cloned. */
export function groupController(options: SnapshotOptions): GroupController {
  const { pool, snapshots, clock } = options;

  const membersOf = (groupId: string): readonly SnapshotRecord[] =>
    snapshots.all().filter((one) => one.groupId === groupId);

  /** Nothing else happens to any of the volumes, or snapshots, meanwhile. Always in one order. */
  const exclusively = <T>(ids: readonly string[], work: () => Promise<T>): Promise<T> => {
    const [first, ...others] = [...ids].sort();
    return first === undefined ? work() : pool.exclusively(first, () => exclusively(others, work));
  };

  return {
    async createVolumeGroupSnapshot({ name, sourceVolumeIds, parameters }) {
      checkParameters(parameters, 'VolumeGroupSnapshotClass');
      const volumeIds = [...new Set(sourceVolumeIds)];
      const groupId = handleOf(name, 'snap');
      return pool.exclusively(`group snapshot ${groupId}`, async () => {
        const present = membersOf(groupId);
        if (present.length > 0) {
          checkSame(groupId, present, volumeIds);
          return { groupSnapshot: group(groupId, present) };
        }
        const members = volumeIds.map((volumeId) => {
          const own = `${groupId}-${volumeId}`;
          return { name: own, id: handleOf(own, 'snap') };
        });
        const keys = members.map(({ id }) => snapshotKey(id));
        return exclusively([...volumeIds, ...keys], async () => {
          const taken = members.find(({ id }) => snapshots.get(id));
          if (taken)
            throw new CsiStatus(
              Code.ALREADY_EXISTS,
              `snapshot ${taken.id} exists and is no part of group snapshot ${groupId}; give the group another name`,
            );
          const volumes = await Promise.all(volumeIds.map((id) => snapshottable(options, id)));
          return frozen(options, volumeIds, async () => {
            const createdAtMs = clock.now();
            const records = volumes.map((volume, index) =>
              recordOf(volume, { ...members[index]!, createdAtMs, groupId, groupSize: volumes.length }),
            );
            await takeAll(
              options,
              records.map((record) => ({ image: pool.imagePath(record.sourceVolumeId), record })),
            );
            return { groupSnapshot: group(groupId, records) };
          });
        });
      });
    },

    async deleteVolumeGroupSnapshot({ groupSnapshotId, snapshotIds }) {
      return pool.exclusively(`group snapshot ${groupSnapshotId}`, async () => {
        const members = membersOf(groupSnapshotId);
        // Some may be gone: an earlier try was cut short.
        const present = snapshotIds.filter((id) => snapshots.get(id));
        if (members.length > 0) checkMembers(groupSnapshotId, members, present);
        // Whoever makes a volume of a member holds that.
        const keys = members.map(({ id }) => snapshotKey(id));
        return exclusively(keys, async () => {
          for (const { id } of members) await snapshots.remove(id);
          return {};
        });
      });
    },

    async getVolumeGroupSnapshot({ groupSnapshotId, snapshotIds }) {
      const members = membersOf(groupSnapshotId);
      if (members.length === 0)
        throw new CsiStatus(Code.NOT_FOUND, `group snapshot ${groupSnapshotId} does not exist`);
      checkMembers(groupSnapshotId, members, snapshotIds);
      return { groupSnapshot: group(groupSnapshotId, members) };
    },
  };
}

/** Lets go of file systems that are left frozen, by a run which died or because they could not be thawed. */
function thawAll(options: SnapshotOptions): Promise<void> {
  return options.pool.exclusively(FREEZING, () => thawing(options));
}

async function thawing({ pool, loops, host }: SnapshotOptions): Promise<void> {
  const mark = `${pool.directory}/${FROZEN}`;
  if (!(await host.files.stat(mark))) return;
  const targets: string[] = [];
  for (const { id } of pool.volumes()) targets.push(...(await fileSystemsOf({ loops }, id)));
  await release(host, mark, targets);
}

/** One that cannot be thawed does not keep the others from being. */
async function release(host: Host, mark: string, targets: readonly string[]): Promise<void> {
  const failures: unknown[] = [];
  for (const target of targets) await host.mounts.thaw(target).catch((error) => failures.push(error));
  if (failures.length > 0) throw failures[0];
  await host.files.removeFile(mark);
}

/** Until it is done: pods that write stand still meanwhile. */
/** As thawAll, but no obstacle: what cannot be let go of is tried again and again. */
export async function thawInTheEnd(options: SnapshotOptions, log: Logger): Promise<void> {
  await thawAll(options).catch((error: unknown) => {
    const { directory } = options.pool;
    log.warn('a file system of the pool stays frozen; trying again', {
      pool: directory,
      error: errorMessage(error),
    });
    thawLater(options);
  });
}

function thawLater(options: SnapshotOptions, failures = 1): void {
  const again = () => void thawAll(options).catch(() => thawLater(options, failures + 1));
  options.clock.after(backoffDelay(THAW_BACKOFF, failures), again, { unref: true });
}

/** Does the work while nobody can write to the volumes' file systems, and all that was written is in the images. */
function frozen<T>(
  options: SnapshotOptions,
  volumeIds: readonly string[],
  work: () => Promise<T>,
): Promise<T> {
  return options.pool.exclusively(FREEZING, async () => {
    // There is one mark for all: what an earlier group has left frozen would be forgotten with it.
    await thawing(options);
    return freezing(options, volumeIds, work);
  });
}

async function freezing<T>(
  options: SnapshotOptions,
  volumeIds: readonly string[],
  work: () => Promise<T>,
): Promise<T> {
  const { pool, loops, host } = options;
  const mark = `${pool.directory}/${FROZEN}`;
  const targets = (await Promise.all(volumeIds.map((id) => fileSystemsOf({ loops }, id)))).flat();
  const done: string[] = [];
  try {
    if (targets.length > 0) {
      await host.files.write(mark, '', 0o600);
      await host.files.syncDirectory(pool.directory);
    }
    for (const target of targets) {
      await host.mounts.freeze(target);
      done.push(target);
    }
    for (const id of volumeIds)
      for (const { device } of await loops.inUse(id)) await host.disks.flush(device);
    return await work();
  } finally {
    // What was taken is taken, also when they could not be let go of at once.
    if (targets.length > 0) await release(host, mark, done).catch(() => thawLater(options));
  }
}

/** One mount of each file system of the volume's. A device node that is bound is none. */
async function fileSystemsOf(
  { loops }: Pick<SnapshotOptions, 'loops'>,
  volumeId: string,
): Promise<readonly string[]> {
  const uses = await loops.inUse(volumeId);
  return uses.flatMap(({ mounts }) => {
    const first = mounts.find(({ fsType }) => fsType !== 'devtmpfs');
    return first && !first.options.includes('ro') ? [first.target] : [];
  });
}

function group(groupSnapshotId: string, members: readonly SnapshotRecord[]) {
  const described = members.map(snapshotMessage);
  return {
    groupSnapshotId,
    snapshots: described,
    creationTime: described[0]?.creationTime,
    readyToUse: true,
  };
}

function checkSame(groupId: string, members: readonly SnapshotRecord[], volumeIds: readonly string[]): void {
  const present = members.map(({ sourceVolumeId }) => sourceVolumeId).sort();
  if (present.join('\n') === [...volumeIds].sort().join('\n')) return;
  throw new CsiStatus(
    Code.ALREADY_EXISTS,
    `group snapshot ${groupId} exists, of ${present.join(', ')}, and ${volumeIds.join(', ')} is asked for now`,
  );
}

/** @throws CsiStatus INVALID_ARGUMENT when the caller takes it for another group. */
function checkMembers(
  groupId: string,
  members: readonly SnapshotRecord[],
  snapshotIds: readonly string[],
): void {
  const own = new Set(members.map(({ id }) => id));
  const alien = snapshotIds.find((id) => !own.has(id));
  const missing = members.find(({ id }) => !snapshotIds.includes(id));
  if (alien === undefined && missing === undefined) return;
  throw new CsiStatus(
    Code.INVALID_ARGUMENT,
    `group snapshot ${groupId} has the snapshots ${[...own].join(', ')}, and ${snapshotIds.join(', ')} are named`,
  );
}
