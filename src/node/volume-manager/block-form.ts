import { deviceReferences, mapBlockVolume, unmapBlockVolume } from '../../volume/block/index.ts';
import { UncertainProgressError, type VolumePlugin, type VolumeSpec } from '../../volume/index.ts';
import { afterDeviceFailure, afterMountFailure, deviceInUse, mountForbidden } from './mount-rules.ts';
import { failure } from './operation-failure.ts';
import { mountContext, type VolumeForm, type VolumeFormOptions, waitForAttach } from './volume-form.ts';

/** Volumes that are given to pods as devices. Source: GenerateMapVolumeFunc and its kin. */
export function blockForm(options: VolumeFormOptions): VolumeForm {
  const { host, actual, recorder, expander } = options;
  const placeOf = (plugin: VolumePlugin, spec: VolumeSpec, podUid: string) => ({
    globalMapPath: plugin.blockMapper!.globalMapPath(spec),
    podMapDirectory: plugin.blockMapper!.podDeviceMapDirectory(podUid),
    name: spec.name,
    podUid,
  });
  async function unmap(
    plugin: VolumePlugin,
    spec: VolumeSpec,
    podUid: string,
    signal: AbortSignal,
  ): Promise<void> {
    await unmapBlockVolume(host, placeOf(plugin, spec, podUid)).catch((error) => {
      throw failure('UnmapVolume.UnmapBlockVolume failed', spec, error);
    });
    await plugin.blockMapper!.unmapPodDevice?.(spec.name, podUid, signal).catch((error) => {
      throw failure('UnmapVolume.UnmapPodDevice failed', spec, error);
    });
  }
  const form: VolumeForm = {
    names: { setUp: 'map_volume', tearDown: 'unmap_volume', tearDownDevice: 'unmap_device' },
    failureReason: 'FailedMapVolume',

    mountedAt({ volumeName }) {
      const { devicePath = '', stagingPath = '' } = actual.get(volumeName) ?? {};
      return { devicePath, mountPath: devicePath, deviceMountPath: stagingPath };
    },

    async setUp(volume, isRemount, signal) {
      const { volumeName, spec, plugin, pod } = volume;
      const podUid = pod.metadata.uid;
      const mapper = plugin.blockMapper;
      if (!mapper)
        throw failure(
          'MapVolume.FindMapperPluginBySpec failed to find BlockVolumeMapper plugin. Volume plugin is nil.',
          spec,
          undefined,
        );
      const forbidden = mountForbidden(spec, options.node(), actual.isMountedElsewhere(volumeName, podUid));
      if (forbidden)
        throw failure(`MapVolume.${forbidden.step ?? 'SetUpDevice failed'}`, spec, forbidden.why);
      const place = placeOf(plugin, spec, podUid);
      // What is prepared has to be undone, also when nothing more comes of it: upstream leaves its note.
      if (mapper.prepare && actual.get(volumeName)?.deviceState === 'not-mounted')
        actual.markDeviceUncertain(volumeName, place.globalMapPath);
      await mapper.prepare?.(spec).catch((error) => {
        throw failure('MapVolume.NewBlockVolumeMapper initialization failed', spec, error);
      });
      const context = mountContext(options, volume, isRemount, signal);
      const attachedAt = await waitForAttach(options, 'MapVolume.WaitForAttach failed', volume, signal);

      if (actual.get(volumeName)?.deviceState !== 'mounted') {
        let stagingPath = '';
        try {
          stagingPath = (await mapper.setUpDevice?.(spec, attachedAt, context)) ?? '';
        } catch (error) {
          afterDeviceFailure(actual, volumeName, place.globalMapPath, error);
          throw failure('MapVolume.SetUpDevice failed', spec, error);
        }
        actual.markDeviceMounted(volumeName, attachedAt, place.globalMapPath, stagingPath);
      }
      let devicePath: string;
      try {
        devicePath = (await mapper.mapPodDevice?.(spec, context)) || attachedAt;
      } catch (error) {
        afterMountFailure(actual, volumeName, podUid, spec, error);
        throw failure('MapVolume.MapPodDevice failed', spec, error);
      }
      // From here on there is something to undo.
      const failed = (step: string, error: unknown) => {
        afterMountFailure(actual, volumeName, podUid, spec, new UncertainProgressError(step));
        return failure(step, spec, error);
      };
      if (devicePath === '') throw failed('MapVolume failed', 'device path of the volume is empty');
      const device = await host.files.realPath(devicePath).catch((error) => {
        throw failed('MapVolume.EvalHostSymlinks failed', error);
      });
      const { stagingPath } = actual.get(volumeName)!;
      actual.markDeviceMounted(volumeName, device, place.globalMapPath, stagingPath);
      await mapBlockVolume(host, device, place, spec.readOnly).catch((error) => {
        throw failed('MapVolume.MapBlockVolume failed', error);
      });
      const told = (path: string) =>
        recorder.event(
          pod,
          'Normal',
          'SuccessfulMountVolume',
          `MapVolume.MapPodDevice succeeded for volume ${JSON.stringify(spec.name)} ${path}`,
        );
      told(`globalMapPath ${JSON.stringify(place.globalMapPath)}`);
      told(`volumeMapPath ${JSON.stringify(place.podMapDirectory)}`);
      await expander.afterMount(volume, form.mountedAt(volume), signal).catch((error) => {
        throw failed('MapVolume.MarkVolumeAsMounted failed while expanding volume', error);
      });
      actual.markMounted(volumeName, podUid, spec);
    },

    async tearDown({ volumeName, podUid, spec, plugin }, signal) {
      // What fails half-way has to be done again.
      actual.markMountUncertain(volumeName, podUid, spec);
      await unmap(plugin, spec, podUid, signal);
      actual.markUnmounted(volumeName, podUid);
    },

    async undo(plugin, name, podUid, signal) {
      const found = await plugin.blockMapper!.reconstruct(name, podUid).catch(() => undefined);
      await unmap(plugin, found?.spec ?? { name, readOnly: false }, podUid, signal);
    },

    async tearDownDevice({ volumeName, spec, plugin, devicePath }, signal) {
      const mapper = plugin.blockMapper!;
      const globalMapPath = mapper.globalMapPath(spec);
      const references = await deviceReferences(host, globalMapPath);
      if (references.length > 0) {
        const why = `the device ${JSON.stringify(globalMapPath)} is still referenced from other Pods [${references.join(' ')}]`;
        throw failure('UnmapDevice failed', spec, why);
      }
      actual.markDeviceUncertain(volumeName, globalMapPath);
      await mapper.tearDownDevice?.(spec.name, signal, globalMapPath).catch((error) => {
        throw failure('UnmapDevice.TearDownDevice failed', spec, error);
      });
      await host.files.removeTree(globalMapPath).catch((error) => {
        throw failure('UnmapDevice.RemoveMapPath failed', spec, error);
      });
      const inUse = await deviceInUse(host, devicePath);
      if (inUse) throw failure('UnmapDevice failed', spec, inUse);
      actual.markDeviceUnmounted(volumeName);
    },
  };
  return form;
}
