import { errorMessage, type Logger } from '../../base/index.ts';
import { Code, CsiStatus } from '../../csi/index.ts';
import type { Host } from '../../host/index.ts';
import type { RecordStore } from '../shared/record-store.ts';
import { FIRST_QUOTA_ID } from './quota.ts';
import type { Export, NasVolume } from './record.ts';
import type { Site, Sites } from './sites.ts';
import type { Tools } from './tools.ts';

/** A volume that is to be made. */
export interface NewVolume extends Omit<NasVolume, 'state' | 'adopted' | 'quotaId'> {
  /** Of a directory that is made for it, and not a copy. */
  readonly mode: number;
}

export interface VolumesOptions {
  readonly records: RecordStore<NasVolume>;
  readonly sites: Sites;
  readonly host: Host;
  readonly tools: Tools;
  readonly log: Logger;
}

/**
 * The volumes: a directory each, and a record. The record comes first and goes last, and says which way a volume is
 * going: whenever the process dies, the next one carries that to its end, or takes it back (see settle).
 */
export class Volumes {
  readonly #options: VolumesOptions;
  /** Directories that are promised to a volume whose record is being written. */
  readonly #promised = new Map<string, Pick<NasVolume, 'id' | 'path' | 'export'>>();
  #lastQuotaId: number;

  constructor(options: VolumesOptions) {
    this.#options = options;
    const ids = options.records.all().map(({ quotaId = 0 }) => quotaId);
    this.#lastQuotaId = ids.reduce((most, id) => Math.max(most, id), FIRST_QUOTA_ID - 1);
  }

  /** The volume, or undefined: also for any text that was never a handle of ours. */
  get(id: string): NasVolume | undefined {
    const volume = this.#options.records.get(id);
    return volume?.state === 'ready' ? volume : undefined;
  }

  all(): readonly NasVolume[] {
    return this.#options.records.all().filter(({ state }) => state === 'ready');
  }

  /** Bytes that are free where such a volume would be. */
  async availableBytes(from: Export | undefined): Promise<bigint> {
    const { sites, host } = this.#options;
    const { tree } = await sites.at(from);
    return (await host.files.statFs(tree.root)).availableBytes;
  }

  /** Whether volumes there are held to their size. */
  async hasQuota(from: Export | undefined): Promise<boolean> {
    return (await this.#options.sites.at(from)).quota !== undefined;
  }

  /**
   * Makes the volume: all of it, or nothing. A directory that is there already becomes the volume as it is.
   * @param fill puts into a new directory what the volume is to begin with.
   * @throws CsiStatus ABORTED when something is left of a volume that could not be made, which the next try clears away.
   */
  async create({ mode, ...wish }: NewVolume, fill?: (path: string) => Promise<void>): Promise<NasVolume> {
    const { records, sites, host, tools } = this.#options;
    const { id } = wish;
    const site = await sites.at(wish.export);
    await this.#finishEarlier(id);
    this.#refuseShared(wish);
    this.#promised.set(id, wish);
    try {
      const stat = await site.tree.stat(wish.path);
      if (stat && stat.kind !== 'directory')
        throw new CsiStatus(Code.INVALID_ARGUMENT, `${site.tree.root}/${wish.path} is a ${stat.kind}`);
      if (stat && fill)
        throw new CsiStatus(
          Code.INVALID_ARGUMENT,
          `directory ${wish.path} holds something already; a copy needs one of its own`,
        );
      const quotaId = site.quota && ++this.#lastQuotaId;
      let volume: NasVolume = {
        ...wish,
        state: 'creating',
        ...(stat && { adopted: true }),
        ...(quotaId !== undefined && { quotaId }),
      };
      await records.put(id, volume);
      try {
        if (stat) volume = await this.#adopt(site, volume);
        else {
          const fresh = `${site.work}/${id}.new`;
          await tools.remove(fresh);
          if (site.quota) await site.quota.make(fresh, quotaId!, BigInt(volume.sizeBytes));
          else await host.files.makeDirectory(fresh, 0o700);
          if (fill) await fill(fresh);
          else await host.files.chmod(fresh, mode);
          await host.files.syncDirectory(fresh);
          await host.files.syncDirectory(site.work);
          await site.tree.bring(fresh, volume.path);
          await host.files.syncDirectory(site.work);
        }
        const ready: NasVolume = { ...volume, state: 'ready' };
        await records.put(id, ready);
        return ready;
      } catch (error) {
        await this.#takeBack(volume, error);
        throw error;
      }
    } finally {
      this.#promised.delete(id);
    }
  }

  /** Removes the volume, and its directory as it was asked to. Not there is fine. */
  async remove(id: string): Promise<void> {
    const { records, sites } = this.#options;
    const volume = records.get(id);
    if (!volume) return;
    const site = await sites.at(volume.export);
    // Opening the share may have done it.
    const present = records.get(id);
    if (!present) return;
    const deleting: NasVolume = { ...present, state: 'deleting' };
    if (present.state !== 'deleting') await records.put(id, deleting);
    await this.#finishDeleting(site, deleting);
  }

  async grow(id: string, sizeBytes: bigint): Promise<NasVolume> {
    const { records, sites } = this.#options;
    const volume = this.get(id)!;
    const site = await sites.at(volume.export);
    if (site.quota && volume.quotaId !== undefined) {
      const place = await site.tree.open(volume.path);
      try {
        await site.quota.limit(place.path, volume.quotaId, sizeBytes);
      } finally {
        await place.close();
      }
    }
    const grown = { ...volume, sizeBytes: sizeBytes.toString() };
    await records.put(id, grown);
    return grown;
  }

  /** Finishes what an earlier run has begun in a share, or takes it back. */
  async settle(site: Site, from: Export | undefined): Promise<void> {
    const { records, log } = this.#options;
    for (const volume of records.all()) {
      if (volume.state === 'ready' || !isSameExport(volume.export, from)) continue;
      log.info('finishing what the last run had begun', { volume: volume.id, state: volume.state });
      if (volume.state === 'deleting') await this.#finishDeleting(site, volume);
      else await this.#finishCreating(site, volume);
    }
  }

  /** Whether the volume's directory is what it must be; undefined when it is. */
  async fault(volume: NasVolume): Promise<string | undefined> {
    try {
      const { tree } = await this.#options.sites.at(volume.export);
      const stat = await tree.stat(volume.path);
      if (stat?.kind === 'directory') return undefined;
      return `its directory ${tree.root}/${volume.path} ${stat ? `is a ${stat.kind}` : 'is missing'}; restore it`;
    } catch (error) {
      return errorMessage(error);
    }
  }

  /** A directory of an earlier time, with what is in it. */
  async #adopt(site: Site, volume: NasVolume): Promise<NasVolume> {
    const { quotaId, ...free } = volume;
    if (!site.quota || quotaId === undefined) return free;
    const place = await site.tree.open(volume.path);
    try {
      if (await site.quota.adopt(place.path, quotaId, BigInt(volume.sizeBytes))) return volume;
      const why = 'its directory was there before, as no subvolume of its own';
      this.#options.log.warn('nothing holds a volume to its size', { volume: volume.id, why });
      return free;
    } finally {
      await place.close();
    }
  }

  /** It is whole once it is at its place: only then is nothing of it left where it was made. */
  async #finishCreating(site: Site, volume: NasVolume): Promise<void> {
    const { records, host } = this.#options;
    const isMade = !volume.adopted && !(await host.files.stat(`${site.work}/${volume.id}.new`));
    if (isMade && (await exists(site, volume.path)))
      await records.put(volume.id, { ...volume, state: 'ready' });
    else await this.#undo(site, volume, { isPlaced: false });
  }

  async #takeBack(volume: NasVolume, cause: unknown): Promise<void> {
    try {
      const site = await this.#options.sites.at(volume.export);
      await this.#undo(site, volume, { isPlaced: !volume.adopted });
    } catch (error) {
      const what = `what there is of ${volume.id} could not be removed (${errorMessage(error)})`;
      throw new CsiStatus(Code.ABORTED, `${errorMessage(cause)}; ${what}; try again`);
    }
  }

  async #undo(site: Site, volume: NasVolume, { isPlaced }: { isPlaced: boolean }): Promise<void> {
    const { records, tools } = this.#options;
    const { id, path } = volume;
    await tools.remove(`${site.work}/${id}.new`);
    if (volume.adopted) await this.#release(site, volume);
    else {
      if (isPlaced) await this.#throwAway(site, volume);
      await site.tree.prune(path);
      if (volume.quotaId !== undefined) await site.quota?.forget(volume.quotaId);
    }
    await records.remove(id);
  }

  async #finishDeleting(site: Site, volume: NasVolume): Promise<void> {
    const { id, path, onDelete, quotaId } = volume;
    if (onDelete === 'delete') {
      await this.#throwAway(site, volume);
      if (quotaId !== undefined) await site.quota?.forget(quotaId);
    } else {
      await this.#release(site, volume);
      if (onDelete === 'archive' && (await exists(site, path))) await this.#archive(site, volume);
    }
    if (onDelete !== 'retain') await site.tree.prune(path);
    await this.#options.records.remove(id);
  }

  /** Out of sight by one rename, and then bit by bit. */
  async #throwAway(site: Site, { id, path }: NasVolume): Promise<void> {
    const { host, tools } = this.#options;
    const gone = `${site.work}/${id}.gone`;
    // A directory that came to the path since is not the volume's.
    if (!(await host.files.stat(gone)) && (await exists(site, path))) {
      await site.tree.take(path, gone);
      await host.files.syncDirectory(site.work);
    }
    await tools.remove(gone);
    await host.files.syncDirectory(site.work);
  }

  /** Source: nfs-subdir-external-provisioner, Delete; a name that is taken gets the volume's id behind it. */
  async #archive(site: Site, { id, path }: NasVolume): Promise<void> {
    const { files } = this.#options.host;
    const name = `archived-${path.split('/').at(-1)}`;
    const isTaken = (await files.stat(`${site.tree.root}/${name}`)) !== undefined;
    await site.tree.take(path, `${site.tree.root}/${isTaken ? `${name}-${id}` : name}`);
    await files.syncDirectory(site.tree.root);
  }

  async #release(site: Site, { path, quotaId }: NasVolume): Promise<void> {
    if (!site.quota || quotaId === undefined || !(await exists(site, path))) return;
    const place = await site.tree.open(path);
    try {
      await site.quota.release(place.path, quotaId);
    } finally {
      await place.close();
    }
  }

  /** What a call before this one could neither finish nor take back. */
  async #finishEarlier(id: string): Promise<void> {
    const volume = this.#options.records.get(id);
    if (!volume || volume.state === 'ready') return;
    const site = await this.#options.sites.at(volume.export);
    if (volume.state === 'deleting') await this.#finishDeleting(site, volume);
    else await this.#takeBack(volume, new Error(`an earlier try to make volume ${id} failed`));
  }

  /** Whose directory is in another's could lead that one's owner, by links, to anywhere; and deleting it would take both. */
  #refuseShared({ id, path, export: from }: Pick<NasVolume, 'id' | 'path' | 'export'>): void {
    const others = [...this.#options.records.all(), ...this.#promised.values()];
    const owner = others.find(
      (other) => other.id !== id && isSameExport(other.export, from) && overlap(other.path, path),
    );
    if (owner)
      throw new CsiStatus(
        Code.INVALID_ARGUMENT,
        `directory ${path} overlaps with ${owner.path} of volume ${owner.id}; choose a pathPattern that gives each volume its own`,
      );
  }
}

/** A link in the way hides what was there: it is not the volume's any more. */
async function exists(site: Site, path: string): Promise<boolean> {
  try {
    return (await site.tree.stat(path)) !== undefined;
  } catch (error) {
    if (error instanceof CsiStatus) return false;
    throw error;
  }
}

function overlap(a: string, b: string): boolean {
  return a === b || a.startsWith(`${b}/`) || b.startsWith(`${a}/`);
}

export function isSameExport(a: Export | undefined, b: Export | undefined): boolean {
  return a?.server === b?.server && a?.share === b?.share;
}
