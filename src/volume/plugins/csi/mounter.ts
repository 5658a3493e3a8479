import { dirname, join } from 'node:path';
import { isMountPoint } from '../../mount/index.ts';
import {
  isOperationFinished,
  TransientOperationFailure,
  UncertainProgressError,
} from '../../operation-error.ts';
import { setVolumeOwnership } from '../../ownership/set-volume-ownership.ts';
import { podVolumeDirectory } from '../../paths.ts';
import type { MountContext, Mounter, VolumeSpec } from '../../plugin.ts';
import { mountOptionsOf } from '../../spec.ts';
import { mountCapability } from './access-mode.ts';
import { changesOwnership, podInfo, unsupportedMode } from './csi-driver-policy.ts';
import { attachmentName, CSI_PLUGIN, deviceMountPath } from './names.ts';
import {
  CSI_TIMEOUT_MS,
  type CsiNodeContext,
  capabilitiesOf,
  findDriver,
  publishContext,
} from './node-context.ts';
import { reconstructedVolume } from './reconstruct.ts';
import { removeMountDirectory } from './remove-mount-directory.ts';
import { mountFailure, rpcErrorText } from './rpc-error.ts';
import { secretData } from './secret-data.ts';
import { serviceAccountTokens } from './service-account-tokens.ts';
import { sourceOf } from './source.ts';
import { keepingDoubt, loadVolumeData, saveVolumeData } from './volume-data.ts';

const DIRECTORY_MODE = 0o750;

/** Publishes volumes at `pods/UID/volumes/kubernetes.io~csi/NAME/mount`. Source: csi_mounter.go of pkg/volume/csi. */
export function createCsiMounter(context: CsiNodeContext): Mounter {
  const mountPath = (name: string, podUid: string) =>
    join(podVolumeDirectory(context.nodeRoot, podUid, CSI_PLUGIN, name), 'mount');
  return {
    podPath: (spec, podUid) => mountPath(spec.name, podUid),
    setUp(spec, mount) {
      const path = mountPath(spec.name, mount.pod.metadata.uid);
      return keepingDoubt(context.host.files, dirname(path), () => publish(context, spec, path, mount));
    },
    tearDown: (name, podUid, signal) => unpublish(context, mountPath(name, podUid), signal),
    async reconstruct(name, podUid) {
      const data = await loadVolumeData(context.host.files, dirname(mountPath(name, podUid)));
      return data && reconstructedVolume(data);
    },
  };
}

async function publish(
  context: CsiNodeContext,
  spec: VolumeSpec,
  path: string,
  mount: MountContext,
): Promise<void> {
  const { pod, signal, fsGroup } = mount;
  const { client, host } = context;
  const source = sourceOf(spec, pod.metadata);
  const driver = await findDriver(context, source.driver, 'mounter.SetUpAt failed to get CSI client', signal);
  const csiDriver = context.csiDriver(source.driver);
  const unsupported = unsupportedMode(csiDriver, source.driver, source.mode);
  if (unsupported) {
    throw new TransientOperationFailure(
      `kubernetes.io/csi: mounter.SetupAt failed to check volume lifecycle mode: ${unsupported}`,
    );
  }
  const capabilities = await capabilitiesOf(driver);
  const persistent = source.mode === 'Persistent';
  const stages = persistent && capabilities.has('STAGE_UNSTAGE_VOLUME');
  const published = persistent ? await publishContext(context, source, signal) : {};
  const publishSecrets = await secretData(client, 'NodePublishSecretRef', source.publishSecret, signal);
  const tokens = await serviceAccountTokens(context.tokens, csiDriver, pod, signal);
  const tokensAreSecret = csiDriver?.spec.serviceAccountTokenInSecrets ?? false;

  const directory = dirname(path);
  await host.files.makeDirectory(directory, DIRECTORY_MODE);
  await saveVolumeData(host.files, directory, {
    specVolID: spec.name,
    volumeHandle: source.handle,
    driverName: source.driver,
    nodeName: context.nodeName,
    volumeLifecycleMode: source.mode,
    attachmentID: attachmentName(source.handle, source.driver, context.nodeName),
  });
  try {
    await driver.client.node.nodePublishVolume(
      {
        volumeId: source.handle,
        publishContext: published,
        stagingTargetPath: stages ? deviceMountPath(context.nodeRoot, source.driver, source.handle) : '',
        targetPath: path,
        volumeCapability: mountCapability(
          {
            accessMode: source.accessMode,
            fsType: source.fsType,
            mountOptions: mountOptionsOf(spec),
            fsGroup,
          },
          capabilities,
        ),
        readonly: source.readOnly,
        secrets: tokensAreSecret ? { ...publishSecrets, ...tokens } : publishSecrets,
        volumeContext: {
          ...source.attributes,
          ...podInfo(csiDriver, pod, source.mode),
          ...(tokensAreSecret ? {} : tokens),
        },
      },
      { timeoutMs: CSI_TIMEOUT_MS, signal },
    );
  } catch (error) {
    const failure = mountFailure(error);
    // A pod that sees the volume already must not lose it because a refresh failed. What cannot be cleared away now,
    // unpublishing will, also when the pod is gone.
    if (isOperationFinished(failure) && !mount.isReconstructed && !mount.isRemount)
      await removeMountDirectory(host, path).catch(() => {
        throw new UncertainProgressError(failure.message, { cause: failure });
      });
    throw failure;
  }
  if (capabilities.has('VOLUME_MOUNT_GROUP')) return;
  const question = {
    fsGroup,
    readOnly: source.readOnly,
    fsType: source.fsType,
    mode: source.mode,
    accessModes: spec.persistentVolume?.spec?.accessModes,
  };
  if (!changesOwnership(csiDriver, question)) return;
  try {
    await setVolumeOwnership(host.files, { path, fsGroup, policy: mount.fsGroupChangePolicy, signal });
  } catch (error) {
    // Mounted, but of no use to the pod yet.
    throw new UncertainProgressError(`applyFSGroup failed for vol ${source.handle}: ${rpcErrorText(error)}`, {
      cause: error,
    });
  }
}

async function unpublish(context: CsiNodeContext, path: string, signal: AbortSignal): Promise<void> {
  const { host } = context;
  const data = await loadVolumeData(host.files, dirname(path));
  if (!data) {
    // The note is written before anything is mounted and removed after: without it there is nothing to undo.
    if (await isMountPoint(host, path)) {
      throw new Error(
        `kubernetes.io/csi: unmounter failed to load volume data file [${dirname(path)}]: it is missing, ` +
          `yet something is mounted at ${path}; unmount it by hand`,
      );
    }
    await removeMountDirectory(host, path);
    return;
  }
  const driver = await findDriver(
    context,
    data.driverName,
    'Unmounter.TearDownAt failed to get CSI client',
    signal,
  );
  try {
    await driver.client.node.nodeUnpublishVolume(
      { volumeId: data.volumeHandle, targetPath: path },
      { timeoutMs: CSI_TIMEOUT_MS, signal },
    );
  } catch (error) {
    throw new Error(`kubernetes.io/csi: Unmounter.TearDownAt failed: ${rpcErrorText(error)}`, {
      cause: error,
    });
  }
  if (await isMountPoint(host, path)) {
    throw new Error(
      `kubernetes.io/csi: Unmounter.TearDownAt failed: ${data.driverName} answered NodeUnpublishVolume, ` +
        `yet ${path} is still a mount point`,
    );
  }
  try {
    await removeMountDirectory(host, path);
  } catch (error) {
    throw new Error(
      `kubernetes.io/csi: Unmounter.TearDownAt failed to clean mount dir [${path}]: ${rpcErrorText(error)}`,
      { cause: error },
    );
  }
}
