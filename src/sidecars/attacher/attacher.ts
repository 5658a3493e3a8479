import { type BackoffPolicy, errorMessage, sleep } from '../../base/index.ts';
import { type Component, type ComponentContext, Controller, Informers } from '../../client/index.ts';
import {
  type CsiClient,
  controllerCapabilities,
  pluginCapabilities,
  waitForDriver,
} from '../../csi/index.ts';
import {
  attacherFinalizer,
  csiNodes,
  hasFinalizer,
  isBeingDeleted,
  type PersistentVolume,
  persistentVolumes,
  type Stored,
  type VolumeAttachment,
  volumeAttachments,
} from '../../kube/index.ts';
import { needsWork } from './attachment.ts';
import { CsiHandler } from './csi-handler.ts';
import type { AttachmentHandler } from './handler.ts';
import { createTrivialHandler } from './trivial-handler.ts';

/** Defaults are upstream's; durations are milliseconds. */
export interface AttacherOptions {
  /** The driver. It may start later than the attacher. */
  readonly csi: CsiClient;
  /** --timeout: for each call that attaches or detaches. @default 15000 */
  readonly timeoutMs?: number;
  /** --retry-interval-start and --retry-interval-max. @default 1 s doubling to 5 min */
  readonly backoff?: BackoffPolicy;
  /** --worker-threads. @default 10 */
  readonly workers?: number;
  /** --reconcile-sync: how often the driver is asked what is published where, if it can tell. @default 60000 */
  readonly reconcileSyncMs?: number;
  /** --max-entries: of a page of ListVolumes; 0: no limit. @default 0 */
  readonly maxEntries?: number;
  /** --default-fstype. @default '' */
  readonly defaultFsType?: string;
}

const BACKOFF: BackoffPolicy = { initialMs: 1_000, maxMs: 300_000 };
const BY_VOLUME = 'attacher/volume';

/** The external-attacher: makes the VolumeAttachments of one CSI driver come true. */
export function createAttacher(context: ComponentContext, options: AttacherOptions): Component {
  return { name: 'csi-attacher', start: (signal) => start(context, options, signal) };
}

async function start(
  context: ComponentContext,
  options: AttacherOptions,
  signal: AbortSignal,
): Promise<void> {
  const { informers, clock } = context;
  const attachments = informers.of(volumeAttachments).addIndex(BY_VOLUME, volumeOf);
  const volumes = informers.of(persistentVolumes);
  const nodes = informers.of(csiNodes);
  const driver = await meet(context, options, signal);
  await Informers.synced(signal, attachments, volumes, nodes);
  if (!driver || signal.aborted) return;

  const log = context.log.child({ driver: driver.name });
  const handler: AttachmentHandler = driver.attaches
    ? new CsiHandler({
        driver: options.csi,
        driverName: driver.name,
        capabilities: driver.capabilities,
        client: context.client,
        clock,
        log,
        volumes,
        nodes,
        attachmentsOf: (name) => attachments.byIndex(BY_VOLUME, name),
        timeoutMs: options.timeoutMs ?? 15_000,
        defaultFsType: options.defaultFsType ?? '',
        maxEntries: options.maxEntries ?? 0,
      })
    : createTrivialHandler(context.client);

  const settings = {
    clock,
    log,
    backoff: options.backoff ?? BACKOFF,
    workers: options.workers ?? 10,
  };
  const attachmentController = new Controller({
    ...settings,
    name: 'csi-attacher-va',
    observer: context.queues?.('csi-attacher-va'),
    async reconcile(key, stopped) {
      await handler.undo?.(key, stopped);
      const attachment = attachments.byKey(key);
      if (attachment?.spec?.attacher === driver.name) await handler.syncAttachment(attachment, stopped);
    },
  });
  const volumeController = new Controller({
    ...settings,
    name: 'csi-attacher-pv',
    observer: context.queues?.('csi-attacher-pv'),
    async reconcile(key, stopped) {
      const volume = volumes.byKey(key);
      if (volume) await handler.syncPersistentVolume(volume, stopped);
    },
  });

  const isOurs = (attachment: VolumeAttachment) => attachment.spec?.attacher === driver.name;
  const mayGo = (volume: Stored<PersistentVolume>) => {
    if (isBeingDeleted(volume) && hasFinalizer(volume, attacherFinalizer(driver.name))) {
      volumeController.enqueue(volume.metadata.name);
    }
  };
  const stops = [
    attachments.on({
      added: (attachment) => isOurs(attachment) && attachmentController.enqueue(attachment.metadata.name),
      updated: (attachment, previous) => {
        if (isOurs(attachment) && needsWork(attachment, previous)) {
          attachmentController.enqueue(attachment.metadata.name);
        }
      },
      deleted: (attachment) => {
        for (const name of volumeOf(attachment)) volumeController.enqueue(name);
      },
    }),
    volumes.on({ added: mayGo, updated: mayGo }),
  ];
  try {
    await Promise.all([
      attachmentController.run(signal),
      volumeController.run(signal),
      driver.tellsPublished && reconcileForever(),
    ]);
  } finally {
    for (const stop of stops) stop();
  }

  async function reconcileForever(): Promise<void> {
    while (!signal.aborted) {
      try {
        const wrong = (await handler.reconcile?.(attachments.values(), signal)) ?? [];
        for (const name of wrong) attachmentController.enqueue(name);
      } catch (error) {
        if (!signal.aborted) {
          log.warn('VolumeAttachments could not be compared with the driver', { error: errorMessage(error) });
        }
      }
      await sleep(clock, options.reconcileSyncMs ?? 60_000, signal).catch(() => undefined);
    }
  }
}

function volumeOf(attachment: VolumeAttachment): string[] {
  const name = attachment.spec?.source.persistentVolumeName;
  return name === undefined ? [] : [name];
}

interface Driver {
  readonly name: string;
  readonly capabilities: Awaited<ReturnType<typeof controllerCapabilities>>;
  /** It has ControllerPublishVolume. */
  readonly attaches: boolean;
  /** ListVolumes tells to which nodes a volume is published. */
  readonly tellsPublished: boolean;
}

/** How long to wait after the driver went away while it was asked. */
const BETWEEN_MEETINGS_MS = 1_000;

/** Waits for the driver, until it says what it can do; undefined when the signal aborts first. */
async function meet(
  { clock, log }: ComponentContext,
  { csi }: AttacherOptions,
  signal: AbortSignal,
): Promise<Driver | undefined> {
  while (!signal.aborted) {
    try {
      await waitForDriver(csi, { clock, signal });
      return await ask(csi, signal);
    } catch (error) {
      if (signal.aborted) return undefined;
      log.warn('the CSI driver does not say what it can do; asking again', { error: errorMessage(error) });
      await sleep(clock, BETWEEN_MEETINGS_MS, signal).catch(() => undefined);
    }
  }
  return undefined;
}

async function ask(csi: CsiClient, signal: AbortSignal): Promise<Driver> {
  const { name } = await csi.identity.getPluginInfo({}, { signal });
  const plugin = await pluginCapabilities(csi, { signal });
  const hasController = plugin.services.has('CONTROLLER_SERVICE');
  const capabilities = hasController ? await controllerCapabilities(csi, { signal }) : new Set<never>();
  const attaches = capabilities.has('PUBLISH_UNPUBLISH_VOLUME');
  const tellsPublished =
    attaches && capabilities.has('LIST_VOLUMES') && capabilities.has('LIST_VOLUMES_PUBLISHED_NODES');
  return { name, capabilities, attaches, tellsPublished };
}
