import { dirname, join } from 'node:path';
import { isMountPoint } from '../../mount/index.ts';
import { isOperationFinished, UncertainProgressError } from '../../operation-error.ts';
import { pluginDirectory } from '../../paths.ts';
import type { DeviceMounter, MountContext, ReconstructedVolume, VolumeSpec } from '../../plugin.ts';
import { mountOptionsOf } from '../../spec.ts';
import { mountCapability } from './access-mode.ts';
import { CSI_PLUGIN, deviceMountPath, GLOBAL_MOUNT } from './names.ts';
import {
  CSI_TIMEOUT_MS,
  type CsiNodeContext,
  capabilitiesOf,
  findDriver,
  publishContext,
} from './node-context.ts';
import { reconstructedVolume } from './reconstruct.ts';
import { removeMountDirectory, removeUnnoted } from './remove-mount-directory.ts';
import { mountFailure, rpcErrorText } from './rpc-error.ts';
import { secretData } from './secret-data.ts';
import { isPersistent, persistentSource } from './source.ts';
import { keepingDoubt, loadVolumeData, saveVolumeData } from './volume-data.ts';

const DIRECTORY_MODE = 0o750;

/** Stages volumes at their global path, for drivers that stage. Source: csi_attacher.go of pkg/volume/csi. */
export function createCsiDeviceMounter(context: CsiNodeContext): DeviceMounter {
  return {
    canMountDevice: isPersistent,
    deviceMountPath(spec) {
      const { driver, handle } = persistentSource(spec);
      return deviceMountPath(context.nodeRoot, driver, handle);
    },
    mountDevice: (spec, _devicePath, path, mount) =>
      keepingDoubt(context.host.files, dirname(path), () => stage(context, spec, path, mount)),
    unmountDevice: (path, signal) => unstage(context, path, signal),
    reconstructDevices: () => reconstructDevices(context),
  };
}

async function stage(
  context: CsiNodeContext,
  spec: VolumeSpec,
  path: string,
  { fsGroup, signal }: MountContext,
): Promise<void> {
  const source = persistentSource(spec);
  const driver = await findDriver(
    context,
    source.driver,
    'attacher.MountDevice failed to create newCsiDriverClient',
    signal,
  );
  const capabilities = await capabilitiesOf(driver);
  const stages = capabilities.has('STAGE_UNSTAGE_VOLUME');
  const published = await publishContext(context, source, signal);
  const secrets = stages
    ? await secretData(context.client, 'NodeStageSecretRef', source.stageSecret, signal)
    : {};
  await context.host.files.makeDirectory(path, DIRECTORY_MODE);
  if (!stages) return;
  const directory = dirname(path);
  try {
    await saveVolumeData(context.host.files, directory, {
      volumeHandle: source.handle,
      driverName: source.driver,
    });
  } catch (error) {
    await removeUnnoted(context.host, path);
    throw error;
  }
  try {
    await driver.client.node.nodeStageVolume(
      {
        volumeId: source.handle,
        publishContext: published,
        stagingTargetPath: path,
        volumeCapability: mountCapability(
          {
            accessMode: source.accessMode,
            fsType: source.fsType,
            mountOptions: mountOptionsOf(spec),
            fsGroup,
          },
          capabilities,
        ),
        secrets,
        volumeContext: { ...source.attributes },
      },
      { timeoutMs: CSI_TIMEOUT_MS, signal },
    );
  } catch (error) {
    const failure = mountFailure(error);
    if (!isOperationFinished(failure)) throw failure;
    // Certainly not staged: nothing to undo, so nothing may look as if. What cannot be cleared away now, unstaging will.
    await removeMountDirectory(context.host, path).catch(() => {
      throw new UncertainProgressError(failure.message, { cause: failure });
    });
    throw failure;
  }
}

async function unstage(context: CsiNodeContext, path: string, signal: AbortSignal): Promise<void> {
  const directory = dirname(path);
  const data = await loadVolumeData(context.host.files, directory);
  if (!data) {
    // Never staged, or all but cleared away: what is left, if anything, is empty directories.
    await removeMountDirectory(context.host, path);
    return;
  }
  const driver = await findDriver(
    context,
    data.driverName,
    'attacher.UnmountDevice failed to create newCsiDriverClient',
    signal,
  );
  const capabilities = await capabilitiesOf(driver);
  if (capabilities.has('STAGE_UNSTAGE_VOLUME')) {
    try {
      await driver.client.node.nodeUnstageVolume(
        { volumeId: data.volumeHandle, stagingTargetPath: path },
        { timeoutMs: CSI_TIMEOUT_MS, signal },
      );
    } catch (error) {
      throw new Error(`kubernetes.io/csi: attacher.UnmountDevice failed: ${rpcErrorText(error)}`, {
        cause: error,
      });
    }
  }
  if (await isMountPoint(context.host, path)) {
    throw new Error(
      `kubernetes.io/csi: attacher.UnmountDevice failed: ${data.driverName} answered NodeUnstageVolume, ` +
        `yet ${path} is still a mount point`,
    );
  }
  try {
    await removeMountDirectory(context.host, path);
  } catch (error) {
    throw new Error(
      `kubernetes.io/csi: failed to clean up global mount ${directory}: ${rpcErrorText(error)}`,
      {
        cause: error,
      },
    );
  }
}

/** Every volume with a note at its global path. */
async function reconstructDevices(context: CsiNodeContext): Promise<readonly ReconstructedVolume[]> {
  const { files } = context.host;
  const root = pluginDirectory(context.nodeRoot, CSI_PLUGIN);
  const found: ReconstructedVolume[] = [];
  if (!(await files.stat(root))) return found;
  for (const driver of await files.list(root)) {
    const stat = await files.stat(join(root, driver));
    if (stat?.kind !== 'directory') continue;
    for (const name of await files.list(join(root, driver))) {
      const directory = join(root, driver, name);
      try {
        const data = await loadVolumeData(files, directory);
        if (data) found.push(reconstructedVolume(data));
        // A crash came before the note: the volume was never staged.
        else await removeMountDirectory(context.host, join(directory, GLOBAL_MOUNT));
      } catch {
        // What cannot be understood is left for a person to look at.
      }
    }
  }
  return found;
}
