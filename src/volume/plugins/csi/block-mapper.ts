import { isMountPoint } from '../../mount/index.ts';
import { isOperationFinished, UncertainProgressError } from '../../operation-error.ts';
import type { BlockMapper, MountContext, VolumeSpec } from '../../plugin.ts';
import { beforeAsking } from './before-asking.ts';
import { blockPaths, podDeviceDirectory } from './block-paths.ts';
import { podInfo } from './csi-driver-policy.ts';
import { attachmentName } from './names.ts';
import {
  type CsiNodeContext,
  capabilitiesOf,
  DIRECTORY_MODE,
  findDriver,
  publishContext,
} from './node-context.ts';
import { reconstructedVolume } from './reconstruct.ts';
import { csiFailure, mountFailure } from './rpc-error.ts';
import { secretData } from './secret-data.ts';
import { type CsiSource, persistentSource } from './source.ts';
import { CSI_TIMEOUT_MS } from './timeout.ts';
import { blockCapability } from './volume-capability.ts';
import { loadVolumeData, saveVolumeData } from './volume-data.ts';

/** The parents of what is staged and published, beside the volumes' own directories. */
const SHARED: ReadonlySet<string> = new Set(['staging', 'publish']);

/** Stages and publishes volumes as devices. Source: csi_block.go of pkg/volume/csi. */
export function createCsiBlockMapper(context: CsiNodeContext): BlockMapper {
  const paths = (name: string) => blockPaths(context.nodeRoot, name);
  const { files } = context.host;
  return {
    globalMapPath: (spec) => paths(spec.name).map,
    podDeviceMapDirectory: (podUid) => podDeviceDirectory(context.nodeRoot, podUid),
    async prepare(spec) {
      const { driver, handle } = persistentSource(spec);
      const { data } = paths(spec.name);
      await files.makeDirectory(data, DIRECTORY_MODE);
      await saveVolumeData(files, data, {
        specVolID: spec.name,
        volumeHandle: handle,
        driverName: driver,
        nodeName: context.nodeName,
        attachmentID: attachmentName(handle, driver, context.nodeName),
      });
    },
    setUpDevice: (spec, _devicePath, mount) => stage(context, spec, mount),
    mapPodDevice: (spec, mount) => publish(context, spec, mount),
    unmapPodDevice: (name, podUid, signal) => unpublish(context, name, podUid, signal),
    tearDownDevice: (name, signal) => unstage(context, name, signal),
    async reconstruct(name) {
      const data = await loadVolumeData(files, paths(name).data);
      return data && reconstructedVolume(data, 'Block');
    },
    reconstructDevices: () => reconstructDevices(context),
    clearAbandoned: () => clearAbandoned(context),
  };
}

/** Every volume with a note; what cannot be understood is left for a person to look at. */
async function reconstructDevices({ host: { files }, nodeRoot }: CsiNodeContext) {
  const found: Awaited<ReturnType<NonNullable<BlockMapper['reconstructDevices']>>>[number][] = [];
  const entries = async (path: string) => ((await files.stat(path)) ? await files.list(path) : []);
  for (const name of await entries(blockPaths(nodeRoot, '').volume)) {
    const { data, map, publish } = blockPaths(nodeRoot, name);
    const note = await loadVolumeData(files, data).catch(() => undefined);
    if (note)
      found.push({
        ...reconstructedVolume(note, 'Block'),
        podUids: [...new Set([...(await entries(map)), ...(await entries(publish))])],
      });
  }
  return found;
}

/** A crash, or the power, has taken the note, or came before it: nothing is staged. */
async function clearAbandoned(context: CsiNodeContext): Promise<void> {
  const { files } = context.host;
  const { volume: root } = blockPaths(context.nodeRoot, '');
  for (const name of (await files.stat(root)) ? await files.list(root) : []) {
    const { data, map } = blockPaths(context.nodeRoot, name);
    if (SHARED.has(name) || (await loadVolumeData(files, data).catch(() => true))) continue;
    const isMapped = (await files.stat(map)) && (await files.list(map)).length > 0;
    if (!isMapped) await removeTraces(context, name);
  }
}

/** Resolves to the staging path, '' for a driver that does not stage. */
async function stage(context: CsiNodeContext, spec: VolumeSpec, { signal }: MountContext): Promise<string> {
  const source = persistentSource(spec);
  const { driver: name, handle } = source;
  const { staging } = blockPaths(context.nodeRoot, spec.name);
  const { published, driver, capabilities, secrets } = await beforeAsking(async () => {
    const published = await attachment(context, source, 'blockMapper.SetupDevice', signal);
    const noClient = 'blockMapper.SetUpDevice failed to get CSI client';
    const driver = await findDriver(context, name, noClient, signal);
    const capabilities = await capabilitiesOf(
      driver,
      'blockMapper.stageVolumeForBlock failed to check STAGE_UNSTAGE_VOLUME capability',
    );
    const stages = capabilities.has('STAGE_UNSTAGE_VOLUME');
    const secrets = await secretData(
      context.client,
      stages ? source.stageSecret : undefined,
      signal,
      (secret) => `kubernetes.io/csi: failed to get NodeStageSecretRef ${secret}`,
    );
    if (stages) await context.host.files.makeDirectory(staging, DIRECTORY_MODE);
    return { published, driver, capabilities, secrets };
  });
  if (!capabilities.has('STAGE_UNSTAGE_VOLUME')) return '';
  try {
    await driver.client.node.nodeStageVolume(
      {
        volumeId: handle,
        publishContext: published,
        stagingTargetPath: staging,
        volumeCapability: blockCapability(source.accessMode, capabilities),
        secrets,
        volumeContext: { ...source.attributes },
      },
      { timeoutMs: CSI_TIMEOUT_MS, signal },
    );
  } catch (error) {
    const failure = mountFailure(error);
    if (!isOperationFinished(failure)) throw failure;
    // What cannot be cleared away now, tearing down will.
    await removeTraces(context, spec.name).catch(() => {
      throw new UncertainProgressError(failure.message);
    });
    throw failure;
  }
  return staging;
}

/** Resolves to the path of the device for the pod. */
async function publish(
  context: CsiNodeContext,
  spec: VolumeSpec,
  { pod, signal }: MountContext,
): Promise<string> {
  const source = persistentSource(spec);
  const { driver: name, handle } = source;
  const paths = blockPaths(context.nodeRoot, spec.name);
  const target = paths.publishFor(pod.metadata.uid);
  const { published, driver, capabilities, secrets } = await beforeAsking(async () => {
    const published = await attachment(context, source, 'blockMapper.MapPodDevice', signal);
    const noClient = 'blockMapper.MapPodDevice failed to get CSI client';
    const driver = await findDriver(context, name, noClient, signal);
    const capabilities = await capabilitiesOf(
      driver,
      'blockMapper.publishVolumeForBlock failed to get the capabilities of the driver',
    );
    const secrets = await secretData(
      context.client,
      source.publishSecret,
      signal,
      (secret) =>
        `kubernetes.io/csi: blockMapper.publishVolumeForBlock failed to get NodePublishSecretRef ${secret}`,
    );
    await context.host.files.makeDirectory(paths.publish, DIRECTORY_MODE);
    return { published, driver, capabilities, secrets };
  });
  try {
    await driver.client.node.nodePublishVolume(
      {
        volumeId: handle,
        publishContext: published,
        // Whether or not the driver stages: as upstream.
        stagingTargetPath: paths.staging,
        targetPath: target,
        volumeCapability: blockCapability(source.accessMode, capabilities),
        readonly: source.readOnly,
        secrets,
        volumeContext: { ...source.attributes, ...podInfo(context.csiDriver(name), pod, source.mode) },
      },
      { timeoutMs: CSI_TIMEOUT_MS, signal },
    );
  } catch (error) {
    throw mountFailure(error);
  }
  return target;
}

async function unpublish(
  context: CsiNodeContext,
  name: string,
  podUid: string,
  signal: AbortSignal,
): Promise<void> {
  const { data, publishFor } = blockPaths(context.nodeRoot, name);
  const target = publishFor(podUid);
  const note = await loadVolumeData(context.host.files, data);
  if (!note) {
    // The note comes before everything else, and goes after it.
    if (await context.host.files.stat(target))
      throw csiFailure(`unmapper failed to load volume data file [${data}]`, new Error('it is missing'));
    return;
  }
  const what = 'blockMapper.UnmapPodDevice failed to get CSI client';
  const driver = await findDriver(context, note.driverName, what, signal);
  const failed = 'blockMapper.unpublishVolumeForBlock failed';
  // Also when nothing is there: an earlier call may have run out of time, and may be at work still.
  await driver.client.node
    .nodeUnpublishVolume(
      { volumeId: note.volumeHandle, targetPath: target },
      { timeoutMs: CSI_TIMEOUT_MS, signal },
    )
    .catch((error) => {
      throw csiFailure(failed, error);
    });
  if (await isMountPoint(context.host, target))
    throw csiFailure(
      failed,
      new Error(`${target} is still a mount point: ${note.driverName} answered all the same`),
    );
}

async function unstage(context: CsiNodeContext, name: string, signal: AbortSignal): Promise<void> {
  const { files } = context.host;
  const { data, staging } = blockPaths(context.nodeRoot, name);
  const note = await loadVolumeData(files, data);
  if (note && (await files.stat(staging))) {
    const what = 'blockMapper.TearDownDevice failed to get CSI client';
    const driver = await findDriver(context, note.driverName, what, signal);
    const capabilities = await capabilitiesOf(
      driver,
      'blockMapper.unstageVolumeForBlock failed to check STAGE_UNSTAGE_VOLUME capability',
    );
    if (capabilities.has('STAGE_UNSTAGE_VOLUME')) {
      await driver.client.node
        .nodeUnstageVolume(
          { volumeId: note.volumeHandle, stagingTargetPath: staging },
          { timeoutMs: CSI_TIMEOUT_MS, signal },
        )
        .catch((error) => {
          throw csiFailure('blockMapper.unstageVolumeForBlock failed', error);
        });
      // A driver may have put there what it likes. Refuses when something is still mounted in it.
      await files.removeTree(staging).catch((error) => {
        throw csiFailure(
          `blockMapper.unstageVolumeForBlock failed to remove staging path after NodeUnstageVolume() error [${staging}]`,
          error,
        );
      });
    }
  }
  await removeTraces(context, name);
}

/** Removes the directories of a volume that no pod uses: the note last. What is not empty is somebody's, and stays. */
async function removeTraces({ host, nodeRoot }: CsiNodeContext, name: string): Promise<void> {
  const { publish, staging, volume } = blockPaths(nodeRoot, name);
  await host.files.removeDirectory(publish);
  await host.files.removeDirectory(staging);
  await host.files.removeTree(volume);
}

async function attachment(context: CsiNodeContext, source: CsiSource, step: string, signal: AbortSignal) {
  const id = attachmentName(source.handle, source.driver, context.nodeName);
  return await publishContext(context, source, signal).catch((error) => {
    throw csiFailure(`${step} failed to get volume attachment [id=${id}]`, error);
  });
}
