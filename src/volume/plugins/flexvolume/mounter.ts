import type { Client } from '../../../client/index.ts';
import type { Host } from '../../../host/index.ts';
import { cleanupMountPoint, mountOnce } from '../../mount/index.ts';
import { setVolumeOwnership } from '../../ownership/set-volume-ownership.ts';
import type { MountContext, Mounter, VolumeSpec } from '../../plugin.ts';
import type { FlexDriver } from './driver.ts';
import { driverOptions, podOptions, secretOptions } from './options.ts';
import { exists, podMountPath } from './paths.ts';
import { reconstructedFlexVolume } from './reconstruct.ts';
import { flexSource } from './source.ts';
import { checkVolumeName } from './volume-name.ts';

export interface FlexMounterOptions {
  readonly driver: FlexDriver;
  readonly host: Host;
  readonly nodeRoot: string;
  readonly client: Client;
  /** Where the volume's device is mounted, for drivers that leave the pod's mount to us. */
  deviceMountPath(spec: VolumeSpec): string;
}

/** Mounts volumes for pods, by the driver or as a bind mount of the device's. Source: mounter.go, unmounter.go. */
export function createFlexMounter(options: FlexMounterOptions): Mounter {
  const { driver, host, nodeRoot } = options;
  const podPath = (name: string, podUid: string) => podMountPath(nodeRoot, podUid, driver.name, name);
  return {
    podPath: (spec, podUid) => podPath(spec.name, podUid),
    async setUp(spec, context) {
      const path = podPath(spec.name, context.pod.metadata.uid);
      const isNew = await mountOnce(host, path, () => mount(options, spec, path, context));
      if (!isNew || flexSource(spec).readOnly || !driver.capabilities.fsGroup) return;
      const { fsGroup, fsGroupChangePolicy: policy, signal } = context;
      // As upstream: a share that cannot change hands is used as it is.
      await setVolumeOwnership(host.files, { path, fsGroup, policy, signal }).catch(() => undefined);
    },
    async tearDown(name, podUid, signal) {
      const path = podPath(name, podUid);
      if (!(await exists(host.files, path))) return;
      const done = await driver.call('unmount', [path], { signal });
      if (!done) await cleanupMountPoint(host, path);
      await host.files.removeDirectory(path);
    },
    reconstruct: async (name) => reconstructedFlexVolume(driver.name, name),
  };
}

async function mount(
  { driver, host, client, deviceMountPath }: FlexMounterOptions,
  spec: VolumeSpec,
  path: string,
  { pod, fsGroup, signal }: MountContext,
): Promise<void> {
  const secret = await secretOptions(client, spec, pod.metadata.namespace ?? '', signal);
  const json = driverOptions(spec, { ...podOptions(pod, fsGroup), ...secret });
  const done = await driver.call('mount', [path, json], { signal, secrets: Object.values(secret) });
  if (done) return;
  await checkVolumeName(driver, spec, signal);
  await host.mounts.mount({ source: deviceMountPath(spec), target: path, options: ['bind'] });
}
