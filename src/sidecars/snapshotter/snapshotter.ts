import { aborted } from '../../base/index.ts';
import { type Component, type ComponentContext, Controller, runControllers } from '../../client/index.ts';
import {
  type Stored,
  type VolumeGroupSnapshotContent,
  type VolumeSnapshotContent,
  volumeGroupSnapshotClasses,
  volumeGroupSnapshotContents,
  volumeSnapshotClasses,
  volumeSnapshotContents,
} from '../../kube/index.ts';
import { askDriver, type Driver } from '../shared/driver.ts';
import { ContentWorker } from './content-worker.ts';
import { isForDriver, isNews } from './decide.ts';
import { GroupContentWorker, isGroupForDriver, isGroupNews } from './group-content-worker.ts';
import { type Flags, flagsOf, type SnapshotterOptions } from './options.ts';
import { SnapshotCalls } from './snapshot-calls.ts';

/** What of a driver's answers is not there yet is asked for with the back-off of a failure. */
class NotReadyYet extends Error {
  override name = 'NotReadyYet';
}

/**
 * The csi-snapshotter of one driver: takes and deletes the snapshots that VolumeSnapshotContents stand for. It waits
 * until the driver is there, and does nothing for one without snapshots. Source: kubernetes-csi/external-snapshotter 8.
 */
export function createSnapshotter(context: ComponentContext, options: SnapshotterOptions): Component {
  const flags = flagsOf(options);
  return {
    name: 'csi-snapshotter',
    async start(signal) {
      try {
        const { clock, log } = context;
        const { driverName } = options;
        const asking = { clock, log, signal, timeoutMs: flags.timeoutMs, driverName };
        const driver = await askDriver(options.csi, asking);
        if (!driver.controller.has('CREATE_DELETE_SNAPSHOT')) {
          log.info('the CSI driver has no snapshots', { driver: driver.name });
          await aborted(signal);
          return;
        }
        const hasGroups = flags.groupSnapshots && driver.services.has('GROUP_CONTROLLER_SERVICE');
        await Promise.all([
          run(context, options, driver, flags, signal),
          hasGroups && runGroups(context, options, driver, flags, signal),
        ]);
      } catch (error) {
        if (!signal.aborted) throw error;
      }
    },
  };
}

async function run(
  context: ComponentContext,
  options: SnapshotterOptions,
  driver: Driver,
  flags: Flags,
  signal: AbortSignal,
): Promise<void> {
  const { informers, clock, log } = context;
  const contents = informers.of(volumeSnapshotContents);
  const classes = informers.of(volumeSnapshotClasses);
  const worker = new ContentWorker({
    context,
    recorder: context.recorder(`csi-snapshotter ${driver.name}`),
    classes,
    calls: new SnapshotCalls({ csi: options.csi, driver, clock, timeoutMs: flags.timeoutMs }),
    flags,
  });
  const isOurs = (content: Stored<VolumeSnapshotContent>) =>
    isForDriver(content, driver.name, (name) => classes.get(name)?.driver);
  const queue = new Controller({
    name: `snapshotter of ${driver.name}`,
    clock,
    log,
    workers: flags.workerThreads,
    backoff: flags.backoff,
    async reconcile(name, stopped) {
      const content = contents.get(name);
      if (!content || !isOurs(content)) return;
      if (await worker.sync(content, stopped)) throw new NotReadyYet('the snapshot is not ready yet');
    },
  });
  const look = ({ metadata }: Stored<VolumeSnapshotContent>) => queue.enqueue(metadata.name);
  await runControllers(signal, {
    informers: { contents, classes },
    listen: () => [
      contents.on({
        added: look,
        updated: (content, previous) => {
          if (isNews(content, previous)) look(content);
        },
      }),
    ],
    loops: [queue],
  });
}

async function runGroups(
  context: ComponentContext,
  options: SnapshotterOptions,
  driver: Driver,
  flags: Flags,
  signal: AbortSignal,
): Promise<void> {
  const { informers, clock, log } = context;
  const contents = informers.of(volumeGroupSnapshotContents);
  const classes = informers.of(volumeGroupSnapshotClasses);
  const worker = new GroupContentWorker({
    context,
    csi: options.csi,
    recorder: context.recorder(`csi-snapshotter ${driver.name}`),
    classes,
    flags,
  });
  const isOurs = (content: Stored<VolumeGroupSnapshotContent>) =>
    isGroupForDriver(content, driver.name, (name) => classes.get(name)?.driver);
  const queue = new Controller({
    name: `group snapshotter of ${driver.name}`,
    clock,
    log,
    workers: flags.workerThreads,
    backoff: flags.backoff,
    async reconcile(name, stopped) {
      const content = contents.get(name);
      if (!content || !isOurs(content)) return;
      if (await worker.sync(content, stopped)) throw new NotReadyYet('the group snapshot is not ready yet');
    },
  });
  const look = ({ metadata }: Stored<VolumeGroupSnapshotContent>) => queue.enqueue(metadata.name);
  await runControllers(signal, {
    informers: { contents, classes },
    listen: () => [
      contents.on({
        added: look,
        updated: (content, previous) => {
          if (isGroupNews(content, previous)) look(content);
        },
      }),
    ],
    loops: [queue],
  });
}
