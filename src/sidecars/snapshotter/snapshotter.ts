import { aborted } from '../../base/index.ts';
import { type Component, type ComponentContext, Controller, runControllers } from '../../client/index.ts';
import type { Stored } from '../../kube/index.ts';
import { askDriver, type Driver } from '../shared/driver.ts';
import { untilStopped } from '../shared/until-stopped.ts';
import { type AnyClass, type AnyContent, type ContentKind, isForDriver, isForNode } from './content-kind.ts';
import { ContentObjects } from './content-objects.ts';
import { ContentWorker } from './content-worker.ts';
import { GROUP_SNAPSHOTS } from './group-snapshot-kind.ts';
import { type Flags, flagsOf, type SnapshotterOptions } from './options.ts';
import { SNAPSHOTS } from './snapshot-kind.ts';

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
  return untilStopped('csi-snapshotter', async (signal) => {
    const { clock, log } = context;
    const { driverName } = options;
    const asking = { clock, log, signal, timeoutMs: flags.timeoutMs, driverName };
    const driver = await askDriver(options.csi, asking);
    if (!driver.controller.has('CREATE_DELETE_SNAPSHOT')) {
      log.info('the CSI driver has no snapshots', { driver: driver.name });
      return aborted(signal);
    }
    const hasGroups = flags.groupSnapshots && driver.services.has('GROUP_CONTROLLER_SERVICE');
    await Promise.all([
      run(SNAPSHOTS, context, options, driver, flags, signal),
      hasGroups && run(GROUP_SNAPSHOTS, context, options, driver, flags, signal),
    ]);
  });
}

/** Looks after the contents of one kind that are the driver's. */
async function run<Content extends AnyContent, Class extends AnyClass, Cut>(
  kind: ContentKind<Content, Class, Cut>,
  context: ComponentContext,
  { csi }: SnapshotterOptions,
  driver: Driver,
  flags: Flags,
  signal: AbortSignal,
): Promise<void> {
  const { informers, clock, log } = context;
  const contents = informers.of(kind.contents);
  const classes = informers.of(kind.classes);
  const recorder = context.recorder(`csi-snapshotter ${driver.name}`);
  const objects = new ContentObjects({ kind, context, recorder, classes });
  const calls = kind.calls({ csi, driver, clock, timeoutMs: flags.timeoutMs });
  const worker = new ContentWorker({ kind, objects, calls, recorder, flags });
  const queue = new Controller({
    name: `${kind.noun}s of ${driver.name}`,
    clock,
    log,
    workers: flags.workerThreads,
    backoff: flags.backoff,
    observer: context.queues?.(kind.queue),
    async reconcile(name, stopped) {
      const content = contents.get(name);
      if (!content || !isForNode(content, flags.nodeName)) return;
      if (!isForDriver(kind, content, driver.name, (of) => classes.get(of)?.driver)) return;
      if (await worker.sync(content, stopped)) throw new NotReadyYet(`the ${kind.noun} is not ready yet`);
    },
  });
  const look = ({ metadata }: Stored<Content>) => queue.enqueue(metadata.name);
  await runControllers(signal, {
    informers: { contents, classes },
    listen: () => [
      contents.on({
        added: look,
        updated: (content, previous) => {
          if (kind.isNews(content, previous)) look(content);
        },
      }),
    ],
    loops: [queue],
  });
}
