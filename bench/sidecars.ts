import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger, systemClock, systemRandom } from '../src/base/index.ts';
import { type Client, type ComponentContext, Recorder } from '../src/client/index.ts';
import { CONTROLLER_SIDECARS } from '../src/cluster/sidecars.ts';
import { type Cluster, startCluster } from '../src/cluster.ts';
import { connectCsi, serveInMemory } from '../src/csi/index.ts';
import { BareDriver, bareWrites } from './bare-work.ts';
import { countedClient, tally } from './counted-client.ts';
import { type Figure, timed } from './figure.ts';
import { sidecarMemory } from './sidecar-memory.ts';
import * as work from './sidecar-work.ts';

const VOLUMES = 500;
const SNAPSHOTS = 100;
const LIMIT_MS = 600_000;
/** What attaching writes of an object, one write after the other, and detaching: whoever asks, and the attacher. */
const WRITES = { attach: ['create', 'patch', 'patch', 'patch'], detach: ['patch', 'delete'] } as const;

/**
 * The sidecars at work on a durable store: many volumes and snapshots of the disk driver made and deleted at once, beside
 * the bare calls of that driver; many volumes attached and detached by a driver that does nothing, beside the same number
 * of writes; and how many requests to the API server each took.
 */
export async function sidecars(): Promise<Figure[]> {
  const directory = await mkdtemp(join(tmpdir(), 'stowage-bench-'));
  const cluster = await startCluster({ dataDir: directory, without: ['sidecars'], logLevel: 'error' });
  const disk = connectCsi(`unix://${cluster.layout.controllerSocket}`, {
    clock: systemClock,
    timeoutMs: LIMIT_MS,
  });
  const idle = idleDriver();
  const { client, requests } = countedClient(cluster.client);
  const { context, told } = contextOf(cluster, client);
  const abort = new AbortController();
  const { provisioner, attacher, resizer, snapshotter } = CONTROLLER_SIDECARS;
  const running = [
    ...[provisioner, attacher, resizer, snapshotter].map(({ create }) => create(context, { csi: disk })),
    attacher.create(context, { csi: idle }),
  ].map((component) => component.start(abort.signal));
  const figures: Figure[] = [];
  const measure = async (
    what: string,
    count: number,
    floor: { readonly what: string; readonly work: () => Promise<unknown> },
    doing: () => Promise<unknown>,
  ) => {
    const beside = { what: floor.what, value: await timed(floor.work) };
    tally(requests);
    const value = await timed(doing);
    await told();
    const { own, events } = tally(requests);
    figures.push(
      { what: `${count} ${what} at once`, value, unit: 'ms', beside },
      { what: `${what}, API requests for each`, value: own / count, unit: '' },
    );
    if (events > 0) figures.push({ what: `${what}, for events besides`, value: events / count, unit: '' });
  };
  try {
    const bare = new BareDriver(disk);
    const calls = (of: () => Promise<unknown>) => ({ what: 'bare calls of the driver', work: of });
    const writes = (verbs: readonly (keyof typeof WRITES)[]) => ({
      what: 'as many bare writes',
      work: () =>
        bareWrites(
          cluster.client,
          VOLUMES,
          verbs.flatMap((verb) => WRITES[verb]),
        ),
    });
    await work.prepare(cluster, VOLUMES);
    const names = Array.from({ length: VOLUMES }, (_, index) => `v-${index}`);
    const some = names.slice(0, SNAPSHOTS);
    await measure(
      'PVCs, dynamic, until Bound',
      VOLUMES,
      calls(() => bare.create(names)),
      () => work.bind(cluster, names),
    );
    await measure(
      'snapshots until ready',
      SNAPSHOTS,
      calls(() => bare.snapshot(some)),
      () => work.snapshot(cluster, some),
    );
    await measure(
      'snapshots deleted',
      SNAPSHOTS,
      calls(() => bare.deleteSnapshots()),
      () => work.deleteSnapshots(cluster, some),
    );
    await measure(
      'PVCs deleted, until all PVs are gone',
      VOLUMES,
      calls(() => bare.remove(names)),
      () => work.deleteClaims(cluster, names),
    );
    await measure('attachments', VOLUMES, writes(['attach']), () => work.attach(cluster, names));
    await measure('detachments', VOLUMES, writes(['detach']), () => work.detach(cluster, names));
    return [...figures, ...(await sidecarMemory(VOLUMES))];
  } finally {
    abort.abort();
    await Promise.all(running);
    disk.close();
    idle.close();
    await cluster.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

/** A driver that attaches and detaches by saying yes. */
function idleDriver() {
  const identity = { name: work.IDLE_DRIVER, vendorVersion: '1' };
  const controller = {
    controllerPublishVolume: async () => ({}),
    controllerUnpublishVolume: async () => ({}),
  };
  return serveInMemory({ identity, controller }, { clock: systemClock, log: silentLogger }).connect();
}

/** What sidecars are given, and what resolves once all that they told is written. */
function contextOf({ informers, trace }: Cluster, client: Client) {
  const shared = { client, clock: systemClock, random: systemRandom, log: silentLogger };
  const recorders: Recorder[] = [];
  const context: ComponentContext = {
    ...shared,
    informers,
    trace,
    recorder(component) {
      const recorder = new Recorder({ ...shared, component });
      recorders.push(recorder);
      return recorder;
    },
  };
  return { context, told: () => Promise.all(recorders.map((recorder) => recorder.flush())) };
}
