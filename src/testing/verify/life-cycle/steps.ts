import { sleep } from '../../../base/index.ts';
import { waitUntil } from '../../../client/index.ts';
import type { Cluster } from '../../../cluster.ts';
import {
  csiNodes,
  driverOf,
  events,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  quantityValue,
  secrets,
  storageClasses,
  volumeAttachments,
  volumeSnapshotClasses,
  volumeSnapshotContents,
  volumeSnapshots,
} from '../../../kube/index.ts';
import type { Need } from '../needs.ts';
import { DEFAULT_TIMEOUT_MS, type VerifyOptions } from '../options.ts';
import {
  claimObject,
  classObjects,
  NAMESPACE,
  podObject,
  scripts,
  snapshotClassObject,
  snapshotObject,
} from './objects.ts';

/** A cluster in which the life goes on. */
export interface Stage {
  readonly cluster: Cluster;
  readonly driver: string;
  readonly options: VerifyOptions;
  readonly sizeBytes: bigint;
  readonly block: boolean;
}

/** A station of a volume's life. The first that fails ends it, but for what takes everything away. */
export interface Step {
  readonly name: string;
  readonly title: string;
  readonly needs: readonly Need[];
  readonly advice: string;
  /** Whether it is done whatever went wrong before. @default false */
  readonly always?: boolean;
  run(stage: Stage): Promise<void>;
}

const TEXT = 'written-by-the-first-pod';
const CLAIM = 'data';
const CLONE = 'copy';
const SNAPSHOT = 'before';
const RESTORED = 'restored';
const CHANGED = 'overwritten-after-the-snapshot';

export const STEPS: readonly Step[] = [
  {
    name: 'registered',
    title: 'The driver is registered with the node',
    needs: [],
    advice: 'answer NodeGetInfo with an id, and with a topology that no other driver of the node contradicts',
    async run(stage) {
      const informer = stage.cluster.informers.of(csiNodes);
      await until(stage, [informer], `CSINode of ${stage.driver}`, () =>
        driverOf(informer.get('node-1'), stage.driver),
      );
    },
  },
  {
    name: 'written',
    title: 'A claim gets a volume, and a pod writes into it',
    needs: [],
    advice:
      'see the events: they hold the answers of the driver to CreateVolume, ControllerPublishVolume, NodeStageVolume and NodePublishVolume',
    async run(stage) {
      const { client } = stage.cluster;
      const { storageClass, secretObjects } = classObjects(stage.driver, stage.options);
      for (const secret of secretObjects) await client.create(secrets, secret);
      await client.create(storageClasses, storageClass);
      await client.create(persistentVolumeClaims, claimObject(CLAIM, stage.sizeBytes, stage));
      await runPod(stage, 'writer', CLAIM, scripts(TEXT, stage.block).write);
    },
  },
  {
    name: 'read-back',
    title: 'Another pod finds what the first has written',
    needs: [],
    advice: 'keep the data of a volume when it is unpublished, unstaged and published again',
    run: (stage) => runPod(stage, 'reader', CLAIM, scripts(TEXT, stage.block).read),
  },
  {
    name: 'grown',
    title: 'The claim grows while no pod uses it, and the next pod has the room',
    needs: ['Controller EXPAND_VOLUME'],
    advice:
      'see the events and the conditions of the claim: they hold the answers to ControllerExpandVolume and NodeExpandVolume',
    async run(stage) {
      const { client, informers } = stage.cluster;
      await offTheNode(stage);
      const wanted = stage.sizeBytes * 2n;
      const body = { spec: { resources: { requests: { storage: `${wanted}` } } } };
      await client.patch(
        persistentVolumeClaims,
        { namespace: NAMESPACE, name: CLAIM },
        { type: 'merge', body },
      );
      const volumes = informers.of(persistentVolumes);
      const isLarger = () =>
        [...volumes.values()].some(({ spec }) => quantityValue(spec?.capacity?.storage) >= wanted);
      await until(stage, [volumes], `the volume of claim ${CLAIM} to have ${wanted} bytes`, isLarger);
      await runPod(stage, 'larger-reader', CLAIM, scripts(TEXT, stage.block).read);
      const claims = informers.of(persistentVolumeClaims);
      const hasGrown = () => quantityValue(claims.get(CLAIM, NAMESPACE)?.status?.capacity?.storage) >= wanted;
      await until(stage, [claims], `claim ${CLAIM} to have ${wanted} bytes`, hasGrown);
    },
  },
  {
    name: 'cloned',
    title: 'A claim is cloned, and the copy holds the same',
    needs: ['Controller CLONE_VOLUME'],
    advice: 'copy the volume that volume_content_source names',
    async run(stage) {
      const { client } = stage.cluster;
      const size = claimSize(stage, CLAIM);
      await client.create(
        persistentVolumeClaims,
        claimObject(CLONE, size, { block: stage.block, clonedFrom: CLAIM }),
      );
      await runPod(stage, 'clone-reader', CLONE, scripts(TEXT, stage.block).read);
    },
  },
  {
    name: 'restored',
    title: 'A snapshot is taken, the data is overwritten, and a claim restored from it holds the old',
    needs: ['Controller CREATE_DELETE_SNAPSHOT'],
    advice:
      'see the events: they hold the answers to CreateSnapshot and to CreateVolume with volume_content_source',
    async run(stage) {
      const { client, informers } = stage.cluster;
      const size = claimSize(stage, CLAIM);
      await client.create(volumeSnapshotClasses, snapshotClassObject(stage.driver, stage.options));
      await client.create(volumeSnapshots, snapshotObject(SNAPSHOT, CLAIM));
      const snapshots = informers.of(volumeSnapshots);
      const isReady = () => snapshots.get(SNAPSHOT, NAMESPACE)?.status?.readyToUse;
      await until(stage, [snapshots], `snapshot ${SNAPSHOT} to be ready`, isReady);
      await runPod(stage, 'changer', CLAIM, scripts(CHANGED, stage.block).write);
      const restored = claimObject(RESTORED, size, { block: stage.block, restoredFrom: SNAPSHOT });
      await client.create(persistentVolumeClaims, restored);
      await runPod(stage, 'restored-reader', RESTORED, scripts(TEXT, stage.block).read);
      await client.delete(volumeSnapshots, { namespace: NAMESPACE, name: SNAPSHOT });
      const contents = informers.of(volumeSnapshotContents);
      await until(stage, [contents], 'the content of the snapshot to go', () => contents.size === 0);
    },
  },
  {
    name: 'deleted',
    title: 'The claims are deleted, and nothing is left',
    needs: [],
    advice:
      'see the events: they hold the answers of the driver to ControllerUnpublishVolume and DeleteVolume',
    always: true,
    async run(stage) {
      const { client, informers } = stage.cluster;
      await client.deleteCollection(pods, { namespace: NAMESPACE });
      await client.deleteCollection(persistentVolumeClaims, { namespace: NAMESPACE });
      const watched = [persistentVolumeClaims, persistentVolumes, volumeAttachments].map((resource) =>
        informers.of(resource as typeof persistentVolumes),
      );
      const isEmpty = () => watched.every((informer) => informer.hasSynced && informer.size === 0);
      await until(stage, watched, 'claims, volumes and attachments to go', isEmpty);
      await offTheNode(stage);
    },
  },
];

/** What a claim asks for. */
function claimSize({ cluster }: Stage, name: string): bigint {
  const claim = cluster.informers.of(persistentVolumeClaims).get(name, NAMESPACE);
  return quantityValue(claim?.spec?.resources?.requests?.storage);
}

/** How many calls may take all their time until a station is reached: make, attach, stage, publish. */
const CALLS_PER_STEP = 4;
const BETWEEN_LOOKS_MS = 100;

const limitOf = ({ timeoutMs = DEFAULT_TIMEOUT_MS }: VerifyOptions) => timeoutMs * CALLS_PER_STEP;

function until<R>(
  { cluster, options }: Stage,
  informers: Parameters<typeof waitUntil<R>>[0] | readonly object[],
  what: string,
  look: () => R | undefined | false,
): Promise<R> {
  const { clock } = cluster;
  return waitUntil(informers as never, look, {
    clock,
    limitMs: limitOf(options),
    what,
    signal: options.signal,
  });
}

/** Resolves once nothing of any volume is on the node: pods go before their volumes are unmounted. */
async function offTheNode({ cluster, options }: Stage): Promise<void> {
  const { clock } = cluster;
  const until = clock.monotonic() + limitOf(options);
  for (;;) {
    const left = await cluster.volumesLeft();
    if (left.length === 0) return;
    if (clock.monotonic() > until) throw new Error(`on the node are left: ${left.join(', ')}`);
    await sleep(clock, BETWEEN_LOOKS_MS, options.signal);
  }
}

/** Runs a pod to its end, which must be a good one, and deletes it. */
async function runPod(stage: Stage, name: string, claim: string, script: string): Promise<void> {
  const { client, informers } = stage.cluster;
  await client.create(pods, podObject(name, claim, script, stage.block));
  const informer = informers.of(pods);
  const end = () => {
    const status = informer.get(name, NAMESPACE)?.status;
    return (status?.phase === 'Succeeded' || status?.phase === 'Failed') && status;
  };
  const { phase, containerStatuses } = await until(stage, [informer], `pod ${name} to end`, end);
  const exitCode = containerStatuses?.[0]?.state?.terminated?.exitCode;
  if (phase !== 'Succeeded')
    throw new Error(`pod ${name} ran ${JSON.stringify(script)}, which ended with ${exitCode}`);
  await removePod(stage, name);
}

async function removePod(stage: Stage, name: string): Promise<void> {
  const { client, informers } = stage.cluster;
  await client.delete(pods, { namespace: NAMESPACE, name });
  const informer = informers.of(pods);
  await until(stage, [informer], `pod ${name} to go`, () => !informer.get(name, NAMESPACE));
}

/** What went wrong in the cluster, in the words of its events, the newest first. */
export async function warnings({ client }: Cluster): Promise<string[]> {
  const { items } = await client.list(events);
  return items
    .filter(({ type }) => type === 'Warning')
    .map(({ reason, message, involvedObject: { kind, name } }) => `${reason} on ${kind} ${name}: ${message}`)
    .reverse();
}
