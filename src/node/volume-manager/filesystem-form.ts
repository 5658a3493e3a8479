import { errorMessage } from '../../base/index.ts';
import { mountOptionsOf, podDirectory } from '../../volume/index.ts';
import { MountError, mountReferences } from '../../volume/mount/index.ts';
import { cleanSubpaths } from '../../volume/subpath/index.ts';
import { afterDeviceFailure, afterMountFailure, deviceInUse, mountForbidden } from './mount-rules.ts';
import { failure } from './operation-failure.ts';
import { mountContext, type VolumeForm, type VolumeFormOptions, waitForAttach } from './volume-form.ts';
import { globalPathOf, podPathOf } from './volume-places.ts';

/** Volumes that are mounted once a node, if their plugin does so, and once a pod. Source: GenerateMountVolumeFunc and its kin. */
export function filesystemForm(options: VolumeFormOptions): VolumeForm {
  const { host, nodeRoot, actual, recorder, expander } = options;
  const form: VolumeForm = {
    names: { setUp: 'volume_mount', tearDown: 'volume_unmount', tearDownDevice: 'unmount_device' },
    failureReason: 'FailedMount',

    mountedAt: ({ plugin, spec, pod, volumeName, deviceMountable }) => ({
      devicePath: actual.get(volumeName)?.devicePath ?? '',
      mountPath: podPathOf(plugin, spec, pod.metadata.uid),
      deviceMountPath: deviceMountable ? globalPathOf(plugin, spec) : '',
    }),

    async setUp(volume, isRemount, signal) {
      const { volumeName, spec, plugin, pod } = volume;
      const podUid = pod.metadata.uid;
      const forbidden = mountForbidden(spec, options.node(), actual.isMountedElsewhere(volumeName, podUid));
      if (forbidden) throw failure(`MountVolume.${forbidden.step ?? 'SetUp failed'}`, spec, forbidden.why);
      await plugin.mounter.check?.(spec).catch((error) => {
        throw failure('MountVolume.NewMounter initialization failed', spec, error);
      });
      if (!plugin.supportsMountOptions && mountOptionsOf(spec).length > 0) {
        const why = 'mount options are not supported for this volume type';
        throw failure('MountVolume.MountOptionSupport check failed', spec, why);
      }
      const context = mountContext(options, volume, isRemount, signal);
      // Upstream's checkForFailedMount: the volume is told, not its pod.
      const tellMismatch = (error: unknown) => {
        if (!spec.persistentVolume || !(error instanceof MountError) || error.kind !== 'FilesystemMismatch')
          return;
        const message = `MountVolume failed for volume ${JSON.stringify(spec.name)} ${error.message}`;
        recorder.event(spec.persistentVolume, 'Warning', 'FailedMountOnFilesystemMismatch', message);
      };

      const known = actual.get(volumeName)?.devicePath;
      const step = 'MountVolume.WaitForAttach failed';
      const devicePath = await waitForAttach(options, step, volume, signal, known);
      if (volume.deviceMountable && actual.get(volumeName)?.deviceState !== 'mounted') {
        const path = plugin.deviceMounter!.deviceMountPath(spec);
        actual.markDeviceLabel(volumeName, volume.seLinuxLabel);
        try {
          await plugin.deviceMounter!.mountDevice(spec, devicePath, path, context);
        } catch (error) {
          tellMismatch(error);
          // Who cannot tell must not let go of it.
          const isMounted = await host.mounts.isMountPoint(path).catch(() => true);
          afterDeviceFailure(actual, volumeName, path, error, isMounted);
          throw failure('MountVolume.MountDevice failed', spec, error);
        }
        actual.markDeviceMounted(volumeName, devicePath, path);
      }
      try {
        await plugin.mounter.setUp(spec, context);
      } catch (error) {
        tellMismatch(error);
        afterMountFailure(actual, volumeName, podUid, spec, error);
        throw failure('MountVolume.SetUp failed', spec, error);
      }
      try {
        await expander.afterMount(volume, { ...form.mountedAt(volume), devicePath }, signal);
      } catch (error) {
        // It is mounted, but must not be used with its old size.
        actual.markMountUncertain(volumeName, podUid, spec);
        throw failure('MountVolume.Setup failed while expanding volume', spec, error);
      }
      actual.markMounted(volumeName, podUid, spec);
    },

    async tearDown({ volumeName, podUid, spec, plugin }, signal) {
      try {
        await form.undo(plugin, spec.name, podUid, signal);
      } catch (error) {
        // It may be half undone: a pod that comes back must set it up again.
        actual.markMountUncertain(volumeName, podUid, spec);
        throw failure('UnmountVolume.TearDown failed', spec, error);
      }
      actual.markUnmounted(volumeName, podUid);
    },

    async undo(plugin, specName, podUid, signal) {
      await cleanSubpaths(host, podDirectory(nodeRoot, podUid), specName).catch((error) => {
        throw new Error(`error cleaning subPath mounts: ${errorMessage(error)}`, { cause: error });
      });
      await plugin.mounter.tearDown(specName, podUid, signal);
    },

    async tearDownDevice({ volumeName, spec, plugin, deviceMountPath, devicePath }, signal) {
      const path = plugin.deviceMounter!.deviceMountPath(spec) || deviceMountPath;
      const others = await mountReferences(host, path);
      if (others.length > 0) {
        const why = `the device mount path ${JSON.stringify(path)} is still mounted by other references [${others.join(' ')}]`;
        throw failure('GetDeviceMountRefs check failed', spec, why);
      }
      try {
        await plugin.deviceMounter!.unmountDevice(path, signal);
        const inUse = await deviceInUse(host, devicePath);
        if (inUse) throw new Error(inUse);
      } catch (error) {
        actual.markDeviceUncertain(volumeName, path);
        throw failure('UnmountDevice failed', spec, error);
      }
      actual.markDeviceUnmounted(volumeName);
    },
  };
  return form;
}
