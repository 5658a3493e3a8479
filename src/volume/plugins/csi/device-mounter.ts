import { dirname, join } from 'node:path';
import { pluginDirectory } from '../../paths.ts';
import type { DeviceMounter, MountContext, ReconstructedVolume, VolumeSpec } from '../../plugin.ts';
import { beforeAsking } from './before-asking.ts';
import { seLinuxLabel } from './csi-driver-policy.ts';
import { CSI_PLUGIN, deviceMountPath, GLOBAL_MOUNT } from './names.ts';
import {
  type CsiNodeContext,
  capabilitiesOf,
  DIRECTORY_MODE,
  findDriver,
  publishContext,
} from './node-context.ts';
import { mountNoted, unmountNoted } from './noted-mount.ts';
import { reconstructedVolume } from './reconstruct.ts';
import { removeMountDirectory } from './remove-mount-directory.ts';
import { rpcErrorText } from './rpc-error.ts';
import { secretData } from './secret-data.ts';
import { isPersistent, persistentSource } from './source.ts';
import { CSI_TIMEOUT_MS } from './timeout.ts';
import { mountCapability } from './volume-capability.ts';
import { loadVolumeData } from './volume-data.ts';

/** Stages volumes at their global path, for drivers that stage. Source: csi_attacher.go of pkg/volume/csi. */
export function createCsiDeviceMounter(context: CsiNodeContext): DeviceMounter {
  return {
    canMountDevice: isPersistent,
    deviceMountPath(spec) {
      const { driver, handle } = persistentSource(spec);
      return deviceMountPath(context.nodeRoot, driver, handle);
    },
    mountDevice: (spec, _devicePath, path, mount) => stage(context, spec, path, mount),
    unmountDevice: (path, signal) => unstage(context, path, signal),
    reconstructDevices: () => reconstructDevices(context),
    clearAbandoned: () => clearAbandoned(context),
  };
}

async function stage(
  context: CsiNodeContext,
  spec: VolumeSpec,
  path: string,
  mount: MountContext,
): Promise<void> {
  const { fsGroup, signal } = mount;
  const source = persistentSource(spec);
  const { driver: name, handle } = source;
  const label = seLinuxLabel(context.csiDriver(name), mount.seLinuxLabel);
  const { driver, capabilities, published, secrets } = await beforeAsking(async () => {
    const noDriver = 'attacher.MountDevice failed to create newCsiDriverClient';
    const driver = await findDriver(context, name, noDriver, signal);
    const told = (error: unknown) => {
      throw new Error(rpcErrorText(error), { cause: error });
    };
    const capabilities = await driver.capabilities().catch(told);
    const published = await publishContext(context, source, signal).catch(told);
    const secrets = await secretData(
      context.client,
      capabilities.has('STAGE_UNSTAGE_VOLUME') ? source.stageSecret : undefined,
      signal,
      (secret) => `fetching NodeStageSecretRef ${secret} failed`,
    );
    await context.host.files.makeDirectory(path, DIRECTORY_MODE);
    return { driver, capabilities, published, secrets };
  });
  if (!capabilities.has('STAGE_UNSTAGE_VOLUME')) return;
  await mountNoted(context, {
    path,
    note: { volumeHandle: handle, driverName: name, seLinuxMountContext: label },
    isInUse: false,
    mount: () =>
      driver.client.node.nodeStageVolume(
        {
          volumeId: handle,
          publishContext: published,
          stagingTargetPath: path,
          volumeCapability: mountCapability({ ...source, fsGroup, seLinuxLabel: label }, capabilities),
          secrets,
          volumeContext: { ...source.attributes },
        },
        { timeoutMs: CSI_TIMEOUT_MS, signal },
      ),
  });
}

function unstage(context: CsiNodeContext, path: string, signal: AbortSignal): Promise<void> {
  const step = 'attacher.UnmountDevice';
  const words = {
    step,
    noDriver: `${step} failed to create newCsiDriverClient`,
    notCleared: `failed to clean up global mount ${dirname(path)}`,
  };
  return unmountNoted(
    context,
    {
      path,
      words,
      async unmount(driver, note) {
        const stages = await capabilitiesOf(
          driver,
          `${step} failed to check whether STAGE_UNSTAGE_VOLUME set`,
        );
        if (!stages.has('STAGE_UNSTAGE_VOLUME')) return;
        await driver.client.node.nodeUnstageVolume(
          { volumeId: note.volumeHandle, stagingTargetPath: path },
          { timeoutMs: CSI_TIMEOUT_MS, signal },
        );
      },
    },
    signal,
  );
}

/** Every volume with a note at its global path. */
async function reconstructDevices(context: CsiNodeContext): Promise<readonly ReconstructedVolume[]> {
  const found: ReconstructedVolume[] = [];
  for (const directory of await globalDirectories(context)) {
    try {
      const data = await loadVolumeData(context.host.files, directory);
      if (data) found.push(reconstructedVolume(data));
    } catch {
      // What cannot be understood is left for a person to look at.
    }
  }
  return found;
}

/** A crash came before the note, or after its end: nothing is staged there. */
async function clearAbandoned(context: CsiNodeContext): Promise<void> {
  for (const directory of await globalDirectories(context)) {
    const isNoted = await loadVolumeData(context.host.files, directory).then(
      (data) => data !== undefined,
      () => true,
    );
    if (!isNoted) await removeMountDirectory(context.host, join(directory, GLOBAL_MOUNT));
  }
}

async function globalDirectories({ host: { files }, nodeRoot }: CsiNodeContext): Promise<string[]> {
  const root = pluginDirectory(nodeRoot, CSI_PLUGIN);
  const found: string[] = [];
  if (!(await files.stat(root))) return found;
  for (const driver of await files.list(root)) {
    // What is given to pods as a device is told by the pods' own directories.
    if (driver === 'volumeDevices') continue;
    const stat = await files.stat(join(root, driver));
    if (stat?.kind !== 'directory') continue;
    for (const name of await files.list(join(root, driver))) found.push(join(root, driver, name));
  }
  return found;
}
