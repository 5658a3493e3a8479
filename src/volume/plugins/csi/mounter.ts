import { dirname, join } from 'node:path';
import { UncertainProgressError } from '../../operation-error.ts';
import { setVolumeOwnership } from '../../ownership/set-volume-ownership.ts';
import { podVolumeDirectory } from '../../paths.ts';
import type { MountContext, Mounter, VolumeSpec } from '../../plugin.ts';
import { beforeAsking } from './before-asking.ts';
import { changesOwnership, podInfo, seLinuxLabel, unsupportedMode } from './csi-driver-policy.ts';
import { attachmentName, CSI_PLUGIN, deviceMountPath } from './names.ts';
import {
  type CsiNodeContext,
  capabilitiesOf,
  DIRECTORY_MODE,
  findDriver,
  publishContext,
} from './node-context.ts';
import { mountNoted, unmountNoted } from './noted-mount.ts';
import { reconstructedVolume } from './reconstruct.ts';
import { csiFailure, rpcErrorText } from './rpc-error.ts';
import { secretData } from './secret-data.ts';
import { serviceAccountTokens } from './service-account-tokens.ts';
import { sourceOf } from './source.ts';
import { CSI_TIMEOUT_MS } from './timeout.ts';
import { mountCapability } from './volume-capability.ts';
import { loadVolumeData } from './volume-data.ts';

/** Publishes volumes at `pods/UID/volumes/kubernetes.io~csi/NAME/mount`. Source: csi_mounter.go of pkg/volume/csi. */
export function createCsiMounter(context: CsiNodeContext): Mounter {
  const mountPath = (name: string, podUid: string) =>
    join(podVolumeDirectory(context.nodeRoot, podUid, CSI_PLUGIN, name), 'mount');
  return {
    podPath: (spec, podUid) => mountPath(spec.name, podUid),
    setUp: (spec, mount) => publish(context, spec, mountPath(spec.name, mount.pod.metadata.uid), mount),
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
  const { client, host, nodeName, nodeRoot } = context;
  const source = sourceOf(spec, pod.metadata);
  const { driver: name, handle, mode } = source;
  const csiDriver = context.csiDriver(name);
  const tokensAreSecret = csiDriver?.spec.serviceAccountTokenInSecrets ?? false;
  const label = seLinuxLabel(csiDriver, mount.seLinuxLabel);
  const { driver, capabilities, published, secrets, tokens } = await beforeAsking(async () => {
    const driver = await findDriver(context, name, 'mounter.SetUpAt failed to get CSI client', signal);
    const unsupported = unsupportedMode(csiDriver, name, mode);
    if (unsupported) throw csiFailure('mounter.SetupAt failed to check volume lifecycle mode', unsupported);
    const capabilities = await capabilitiesOf(
      driver,
      'mounter.SetUpAt failed to check for STAGE_UNSTAGE_VOLUME capability',
    );
    const published =
      mode === 'Persistent'
        ? await publishContext(context, source, signal).catch((error) => {
            throw csiFailure('mounter.SetUpAt failed to fetch publishContext', error);
          })
        : {};
    const secrets = await secretData(
      client,
      source.publishSecret,
      signal,
      (secret) => `fetching NodePublishSecretRef ${secret} failed`,
    );
    const tokens = await serviceAccountTokens(context.tokens, csiDriver, pod, signal);
    await host.files.makeDirectory(dirname(path), DIRECTORY_MODE);
    return { driver, capabilities, published, secrets, tokens };
  });
  const stages = mode === 'Persistent' && capabilities.has('STAGE_UNSTAGE_VOLUME');
  await mountNoted(context, {
    path,
    note: {
      specVolID: spec.name,
      volumeHandle: handle,
      driverName: name,
      nodeName,
      volumeLifecycleMode: mode,
      attachmentID: attachmentName(handle, name, nodeName),
      seLinuxMountContext: label,
    },
    // A pod that sees the volume already must not lose it because a refresh failed.
    isInUse: (mount.isRemount ?? false) || (mount.isReconstructed ?? false),
    mount: () =>
      driver.client.node.nodePublishVolume(
        {
          volumeId: handle,
          publishContext: published,
          stagingTargetPath: stages ? deviceMountPath(nodeRoot, name, handle) : '',
          targetPath: path,
          volumeCapability: mountCapability({ ...source, fsGroup, seLinuxLabel: label }, capabilities),
          readonly: source.readOnly,
          secrets: tokensAreSecret ? { ...secrets, ...tokens } : secrets,
          volumeContext: {
            ...source.attributes,
            ...podInfo(csiDriver, pod, mode),
            ...(tokensAreSecret ? {} : tokens),
          },
        },
        { timeoutMs: CSI_TIMEOUT_MS, signal },
      ),
  });
  const accessModes = spec.persistentVolume?.spec?.accessModes;
  if (capabilities.has('VOLUME_MOUNT_GROUP')) return;
  if (!changesOwnership(csiDriver, { ...source, fsGroup, accessModes })) return;
  try {
    const { fsGroupChangePolicy: policy, ownershipReporter: reporter } = mount;
    await setVolumeOwnership(host.files, { path, fsGroup, policy, reporter, signal });
  } catch (error) {
    // Mounted, but of no use to the pod yet.
    throw new UncertainProgressError(`applyFSGroup failed for vol ${handle}: ${rpcErrorText(error)}`, {
      cause: error,
    });
  }
}

function unpublish(context: CsiNodeContext, path: string, signal: AbortSignal): Promise<void> {
  const step = 'Unmounter.TearDownAt';
  const words = {
    step,
    noDriver: `${step} failed to get CSI client`,
    notCleared: `${step} failed to clean mount dir [${path}]`,
  };
  return unmountNoted(
    context,
    {
      path,
      words,
      unmount: (driver, note) =>
        driver.client.node.nodeUnpublishVolume(
          { volumeId: note.volumeHandle, targetPath: path },
          { timeoutMs: CSI_TIMEOUT_MS, signal },
        ),
    },
    signal,
  );
}
