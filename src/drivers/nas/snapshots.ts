import { type Clock, errorMessage, type Logger } from '../../base/index.ts';
import { Code, CsiStatus } from '../../csi/index.ts';
import type { Host } from '../../host/index.ts';
import type { RecordStore } from '../shared/record-store.ts';
import type { Export, NasSnapshot, NasVolume } from './record.ts';
import type { Site, Sites } from './sites.ts';
import type { Tools } from './tools.ts';
import { isSameExport } from './volumes.ts';

export interface SnapshotsOptions {
  readonly records: RecordStore<NasSnapshot>;
  readonly sites: Sites;
  readonly host: Host;
  readonly tools: Tools;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Copies of volumes, on the share of their volume. As with volumes, a record comes first and goes last. Files that are
 * written to meanwhile are copied one after another: whoever wants a moment of all of them stops his writers.
 */
export class Snapshots {
  readonly #options: SnapshotsOptions;

  constructor(options: SnapshotsOptions) {
    this.#options = options;
  }

  get(id: string): NasSnapshot | undefined {
    const snapshot = this.#options.records.get(id);
    return snapshot?.state === 'ready' ? snapshot : undefined;
  }

  all(): readonly NasSnapshot[] {
    return this.#options.records.all().filter(({ state }) => state === 'ready');
  }

  /** All of it, or nothing. @throws CsiStatus ABORTED when something is left, which the next try clears away. */
  async take({ id, name }: Pick<NasSnapshot, 'id' | 'name'>, volume: NasVolume): Promise<NasSnapshot> {
    const { records, sites, host, tools, clock } = this.#options;
    const site = await sites.at(volume.export);
    const earlier = records.get(id);
    if (earlier) await this.#clear(site, earlier);
    const snapshot: NasSnapshot = {
      id,
      name,
      state: 'creating',
      ...(volume.export && { export: volume.export }),
      sourceVolumeId: volume.id,
      sizeBytes: volume.sizeBytes,
      createdAtMs: clock.now(),
    };
    await records.put(id, snapshot);
    try {
      const path = this.pathOf(site, id);
      await host.files.makeDirectory(path, 0o700);
      const source = await site.tree.open(volume.path);
      try {
        await tools.copy(source.path, path);
      } finally {
        await source.close();
      }
      await host.files.syncDirectory(site.content);
      const ready: NasSnapshot = { ...snapshot, state: 'ready' };
      await records.put(id, ready);
      return ready;
    } catch (error) {
      try {
        await this.#clear(site, snapshot);
      } catch {
        const what = `what there is of snapshot ${id} could not be removed; try again`;
        throw new CsiStatus(Code.ABORTED, `${errorMessage(error)}; ${what}`);
      }
      throw error;
    }
  }

  /** Not there is fine. */
  async remove(id: string): Promise<void> {
    const { records, sites } = this.#options;
    const snapshot = records.get(id);
    if (!snapshot) return;
    const site = await sites.at(snapshot.export);
    if (snapshot.state !== 'deleting') await records.put(id, { ...snapshot, state: 'deleting' });
    await this.#clear(site, snapshot);
  }

  /** Clears away in a share what an earlier run has not finished. */
  async settle(site: Site, from: Export | undefined): Promise<void> {
    const { records, log } = this.#options;
    for (const snapshot of records.all()) {
      if (snapshot.state === 'ready' || !isSameExport(snapshot.export, from)) continue;
      log.info('clearing away a snapshot', { snapshot: snapshot.id, state: snapshot.state });
      await this.#clear(site, snapshot);
    }
  }

  /** Where the content of a snapshot is. */
  pathOf(site: Site, id: string): string {
    return `${site.content}/${id}`;
  }

  async #clear(site: Site, { id }: NasSnapshot): Promise<void> {
    const { records, host, tools } = this.#options;
    await tools.remove(this.pathOf(site, id));
    await host.files.syncDirectory(site.content);
    await records.remove(id);
  }
}
