import { errorMessage } from '../../base/index.ts';
import { ignoreNotFound } from '../../client/index.ts';
import { isAlreadyExists, type PersistentVolume, persistentVolumes, type Stored } from '../../kube/index.ts';
import type { Cleanups } from './cleanups.ts';
import type { ClassConfig } from './config.ts';
import { matchesName } from './match-name.ts';
import { volumeName } from './names.ts';
import { lookAt } from './paths.ts';
import type { Round } from './round.ts';
import { hostPathOf, isOurs, volumeObject } from './volume-object.ts';

/** Makes a PersistentVolume of each volume that has none. Resolves to what is wrong. Source: DiscoverLocalVolumes. */
export async function discover(round: Round): Promise<readonly string[]> {
  const problems: string[] = [];
  for (const [className, config] of Object.entries(round.config.storageClassMap)) {
    const found = await discoverClass(round, className, config).catch((error: unknown) => [
      errorMessage(error),
    ]);
    problems.push(...found);
  }
  return problems;
}

async function discoverClass(round: Round, className: string, config: ClassConfig): Promise<string[]> {
  const { host, classes } = round;
  const storageClass = classes.get(className);
  if (!storageClass)
    return [`failed to get ReclaimPolicy from storage class ${JSON.stringify(className)}: there is none`];
  const policy = storageClass.reclaimPolicy ?? 'Delete';
  if (policy !== 'Retain' && policy !== 'Delete')
    return [
      `unsupported ReclaimPolicy ${JSON.stringify(policy)} from storage class ${JSON.stringify(className)}, supported policy are Retain and Delete`,
    ];
  const patterns = config.namePattern.split(',').filter((pattern) => pattern !== '');
  const [names, mounts] = await Promise.all([host.files.list(config.mountDir), host.mounts.list()]);
  const mounted = new Set(mounts.map(({ target }) => target));
  const directory = await host.files.realPath(config.mountDir);
  const problems: string[] = [];
  for (const file of [...names].sort()) {
    if (!patterns.some((pattern) => matchesName(pattern, file))) continue;
    try {
      const isMounted = mounted.has(`${directory === '/' ? '' : directory}/${file}`);
      await discoverFile(round, { file, className, config, isMounted });
    } catch (error) {
      problems.push(errorMessage(error));
    }
  }
  return problems;
}

interface Candidate {
  readonly file: string;
  readonly className: string;
  readonly config: ClassConfig;
  /** Something is mounted at its very path. */
  readonly isMounted: boolean;
}

/** @throws Error why it cannot be a volume, as discoverVolumesAtPath has it. */
async function discoverFile(round: Round, { file, className, config, isMounted }: Candidate): Promise<void> {
  const { host, node } = round;
  const path = `${config.mountDir}/${file}`;
  const { mode, real } = await lookAt(path, host.files);
  const name = volumeName(file, node.metadata.name, className);
  const present = round.own.find(({ metadata }) => metadata.name === name);
  if (present) return checkMode(round, present, path, mode);
  const hostPath = hostPathOf(file, config);
  const others = round.own.filter(({ spec }) => spec?.local?.path === hostPath);
  if (others.length > 0) {
    const taken = others.map(({ metadata }) => metadata.name).join(',');
    round.log.warn('a path is that of another volume already', { volume: name, path: hostPath, taken });
    return;
  }
  const cleanups = round.cleanupsOf(mode);
  if (cleanups.of(name).state === 'running') {
    round.log.debug('a volume is still being wiped', { volume: name });
    return;
  }
  const capacityBytes =
    mode === 'Block'
      ? await host.disks.sizeBytes(real)
      : await fileSystemSize(round, { path, real, config, isMounted });
  await offer(round, cleanups, name, () =>
    volumeObject(
      { file, className, class: round.classes.get(className)!, config, capacityBytes },
      node,
      round.config,
    ),
  );
}

async function fileSystemSize(
  { host }: Round,
  { path, real, config, isMounted }: { path: string; real: string; config: ClassConfig; isMounted: boolean },
): Promise<bigint> {
  if (config.volumeMode === 'Block')
    throw new Error(`path ${JSON.stringify(path)} of filesystem mode cannot be used to create block volume`);
  // A directory of the file system that everything is on has no size of its own, and nothing holds it to one.
  if (!isMounted)
    throw new Error(
      `path ${JSON.stringify(path)} is not a valid mount point: mountPath=${JSON.stringify(path)} wasn't found in the /proc/mounts file`,
    );
  return (await host.files.statFs(real)).totalBytes;
}

/** A device that is gone and has left a directory: what is in the place now is not what was given out. */
function checkMode(
  { recorder }: Round,
  volume: Stored<PersistentVolume>,
  path: string,
  mode: 'Filesystem' | 'Block',
): void {
  if (volume.spec?.volumeMode !== 'Block' || mode !== 'Filesystem') return;
  const problem = `incorrect Volume Mode: PV ${JSON.stringify(volume.metadata.name)} requires block mode but path ${JSON.stringify(path)} was in fs mode`;
  recorder.event(volume, 'Warning', 'VolumeFailedDelete', problem);
  throw new Error(problem);
}

async function offer(
  round: Round,
  cleanups: Cleanups,
  name: string,
  object: () => PersistentVolume,
): Promise<void> {
  const { client, metrics, clock } = round;
  const startedAtMs = clock.monotonic();
  // It ended well, or nobody knows of it any more: the volume object has been deleted.
  await cleanups.forget(name);
  const volume = object();
  try {
    await metrics.request('create', () => client.create(persistentVolumes, volume));
  } catch (error) {
    if (isAlreadyExists(error) && (await isKnownSoon(round, name))) return;
    throw new Error(
      `error creating PV ${JSON.stringify(name)} for volume at ${JSON.stringify(volume.spec?.local?.path)}: ${errorMessage(error)}`,
      { cause: error },
    );
  }
  round.log.info('a volume is offered', { volume: name, path: volume.spec?.local?.path });
  metrics.discovered(volume.spec!.volumeMode!, (clock.monotonic() - startedAtMs) / 1000);
}

/** The cache has not heard yet of a volume that is ours. */
async function isKnownSoon({ client, node, config }: Round, name: string): Promise<boolean> {
  const present = await ignoreNotFound(client.get(persistentVolumes, { name }));
  return present !== undefined && isOurs(present, node, config.useNodeNameOnly);
}
