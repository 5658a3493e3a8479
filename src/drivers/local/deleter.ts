import { type BackoffPolicy, backoffDelay, errorMessage } from '../../base/index.ts';
import { ignoreNotFound } from '../../client/index.ts';
import {
  isBeingDeleted,
  jobs,
  type PersistentVolume,
  persistentVolumes,
  type Stored,
} from '../../kube/index.ts';
import { cleanDevice, emptyDirectory } from './clean.ts';
import { cleanupJob } from './cleanup-jobs.ts';
import type { ClassConfig } from './config.ts';
import { lookAt, mountPathOf, type Place } from './paths.ts';
import type { Round } from './round.ts';

/** How Jobs are made, and when what failed is tried again. */
export interface DeleterOptions {
  readonly jobNamespace: string;
  /** @default none: Jobs cannot be made */
  readonly jobImage: string | undefined;
  readonly retry: BackoffPolicy;
  /** Aborts what is being wiped at the end. */
  readonly signal: AbortSignal;
  /** Called when a volume can go on: at once, or after so long. */
  readonly again: (afterMs: number) => void;
}

/** Wipes the volumes that are given back, and deletes those that are wiped. Source: DeletePVs. */
export async function deleteReleased(round: Round, options: DeleterOptions): Promise<void> {
  for (const volume of round.own) {
    if (volume.status?.phase !== 'Released' || isBeingDeleted(volume)) continue;
    const { recorder } = round;
    switch (volume.spec?.persistentVolumeReclaimPolicy) {
      case 'Retain':
        break;
      case 'Recycle':
        recorder.event(
          volume,
          'Warning',
          'VolumeUnsupportedReclaimPolicy',
          'Volume has unsupported PersistentVolumeReclaimPolicy: Recycle',
        );
        break;
      case 'Delete':
        await deleteVolume(round, volume, options);
        break;
      default:
        recorder.event(
          volume,
          'Warning',
          'VolumeUnknownReclaimPolicy',
          'Volume has unrecognized PersistentVolumeReclaimPolicy',
        );
    }
  }
}

interface Target extends Place {
  /** The path in the discovery directory. */
  readonly path: string;
  readonly config: ClassConfig;
  readonly byJob: boolean;
}

async function deleteVolume(
  round: Round,
  volume: Stored<PersistentVolume>,
  options: DeleterOptions,
): Promise<void> {
  let target: Target | undefined;
  try {
    target = await targetOf(round, volume);
    await next(round, volume, target, options);
  } catch (error) {
    tellFailure(round, volume, target, error);
  }
}

function tellFailure(
  { recorder, metrics, log }: Round,
  volume: Stored<PersistentVolume>,
  target: Target | undefined,
  error: unknown,
): void {
  const { name } = volume.metadata;
  metrics.failedToDelete({ mode: target?.mode ?? 'unknown', type: target?.byJob ? 'job' : 'process' });
  log.warn('a volume could not be wiped or deleted', { volume: name, error: errorMessage(error) });
  recorder.event(
    volume,
    'Warning',
    'VolumeFailedDelete',
    `Error cleaning PV ${JSON.stringify(name)}: ${errorMessage(error)}`,
  );
}

async function targetOf({ config, host }: Round, volume: Stored<PersistentVolume>): Promise<Target> {
  if (!volume.spec?.local) throw new Error('Unsupported volume type');
  const className = volume.spec.storageClassName ?? '';
  const classConfig = config.storageClassMap[className];
  if (!classConfig) throw new Error(`Unknown storage class name ${className}`);
  const path = mountPathOf(volume, classConfig);
  const place = await lookAt(path, host.files).catch((error: unknown) => {
    throw new Error(`failed to get volume mode of path ${JSON.stringify(path)}: ${errorMessage(error)}`);
  });
  // A disk is looked at as what it was given out as: a directory in the place of a device is not it.
  if (volume.spec.volumeMode === 'Block' && place.mode === 'Filesystem')
    throw new Error(`path ${JSON.stringify(path)} is a directory, and the volume a block device`);
  return { ...place, path, config: classConfig, byJob: place.mode === 'Block' && config.useJobForCleaning };
}

/** The next step: begin, wait, or delete. Source: deletePV. */
async function next(
  round: Round,
  volume: Stored<PersistentVolume>,
  target: Target,
  options: DeleterOptions,
): Promise<void> {
  const { name } = volume.metadata;
  const cleanups = round.cleanupsOf(target.mode);
  const { state, startedAtMs } = cleanups.of(name);
  if (state === 'running') return;
  if (state === 'succeeded') {
    await deleteObject(round, volume);
    await cleanups.forget(name);
    const { mode, byJob, config } = target;
    const capacity = volume.spec?.capacity?.storage;
    const wiped = {
      mode,
      type: byJob ? 'job' : 'process',
      capacity,
      command: config.blockCleanerCommand[0],
    } as const;
    round.metrics.deleted(
      wiped,
      startedAtMs === undefined ? undefined : (round.clock.now() - startedAtMs) / 1000,
    );
    return;
  }
  const failure = round.processes.failureOf(name);
  if (failure && failure.agoMs < backoffDelay(options.retry, failure.failures)) return;
  // What is wiped is gone: the cache alone, which may be behind, does not decide on it.
  if (!(await isStillReleased(round, volume))) return;
  if (target.byJob) await runJob(round, volume, target, options);
  else runProcess(round, volume, target, options);
}

async function deleteObject(
  { client, metrics, log }: Round,
  volume: Stored<PersistentVolume>,
): Promise<void> {
  const { name, uid } = volume.metadata;
  await metrics
    .request('delete', () =>
      ignoreNotFound(client.delete(persistentVolumes, { name }, { preconditions: { uid } })),
    )
    .catch((error: unknown) => {
      throw new Error(`Error deleting PV ${JSON.stringify(name)}: ${errorMessage(error)}`, { cause: error });
    });
  log.info('a volume is wiped and deleted', { volume: name });
}

async function isStillReleased({ client }: Round, { metadata }: Stored<PersistentVolume>): Promise<boolean> {
  const now = await ignoreNotFound(client.get(persistentVolumes, { name: metadata.name }));
  return (
    now !== undefined &&
    now.metadata.uid === metadata.uid &&
    !isBeingDeleted(now) &&
    now.status?.phase === 'Released' &&
    now.spec?.persistentVolumeReclaimPolicy === 'Delete'
  );
}

async function runJob(
  { client, clock, config, node }: Round,
  volume: Stored<PersistentVolume>,
  { path, config: classConfig }: Target,
  { jobNamespace: namespace, jobImage: image }: DeleterOptions,
): Promise<void> {
  if (!image)
    throw new Error('cannot run cleanup job without specifying job image name in the environment variable');
  const job = cleanupJob(volume, path, classConfig, {
    namespace,
    image,
    nodeName: node.metadata.name,
    tolerations: config.jobTolerations,
    nowMs: clock.now(),
  });
  await client.create(jobs, job);
}

function runProcess(
  round: Round,
  volume: Stored<PersistentVolume>,
  target: Target,
  { signal, again, retry }: DeleterOptions,
): void {
  const { processes, host, recorder, log } = round;
  const { name } = volume.metadata;
  const work = async () => {
    if (target.mode === 'Filesystem') return emptyDirectory(target.real, host.files);
    await checkUnused(target.real, host);
    recorder.event(
      volume,
      'Normal',
      'VolumeDelete',
      `Starting cleanup of Block PV ${JSON.stringify(name)}, this may take a while`,
    );
    await cleanDevice(target.path, target.config.blockCleanerCommand, { host, log, signal });
  };
  processes.start(name, work, (error) => {
    if (error === undefined) return again(0);
    if (signal.aborted) return;
    tellFailure(round, volume, target, error);
    again(backoffDelay(retry, processes.failureOf(name)!.failures));
  });
}

/**
 * A node may still have the disk mounted for a moment, and would write what it has in memory to it once it is wiped. Only
 * mkfs looks for itself.
 */
async function checkUnused(device: string, { files, mounts }: Round['host']): Promise<void> {
  const number = (await files.stat(device))?.rdev;
  const mount = (await mounts.list()).find((one) => one.device === number);
  if (mount) throw new Error(`${device} is still mounted at ${mount.target}`);
}
