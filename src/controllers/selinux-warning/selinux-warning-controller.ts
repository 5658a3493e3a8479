import type { Metrics } from '../../base/index.ts';
import { type Component, type ComponentContext, Controller, runControllers } from '../../client/index.ts';
import {
  type CSIDriver,
  claimKeysOf,
  csiDrivers,
  isPodTerminated,
  joinKey,
  keyOf,
  type PersistentVolume,
  POD_PVC_INDEX,
  type Pod,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  type Stored,
} from '../../kube/index.ts';
import {
  type PluginRegistry,
  uniqueVolumeName,
  type VolumePlugin,
  type VolumeSpec,
} from '../../volume/index.ts';
import { createVolumeSpec } from '../attach-detach/volume-spec.ts';
import { labelsByMount } from './label.ts';
import { addSelinuxWarningMetrics } from './metrics.ts';
import { conflictMessage, VolumeCache } from './volume-cache.ts';

/** event.source.component, as upstream's. */
const COMPONENT = 'selinux_warning';

export interface SelinuxWarningOptions {
  /** Of volumes that pods can share. */
  readonly plugins: PluginRegistry<VolumePlugin>;
  /** Where it tells of the conflicts that there are. @default nowhere */
  readonly metrics?: Metrics;
}

/**
 * Tells pods that share a volume and differ in their SELinux labels, or in how labels get on the volume: what works today,
 * each file labelled anew, will not once volumes are mounted with a label. Source: upstream's selinux-warning-controller,
 * off unless it is asked for.
 */
export function createSelinuxWarningController(
  context: ComponentContext,
  { plugins, metrics }: SelinuxWarningOptions,
): Component {
  const { clock, log, informers } = context;
  const recorder = context.recorder(COMPONENT);
  const podInformer = informers.of(pods).addIndex(POD_PVC_INDEX, claimKeysOf);
  const claims = informers.of(persistentVolumeClaims);
  const volumes = informers.of(persistentVolumes);
  const drivers = informers.of(csiDrivers);
  const uses = new VolumeCache();
  if (metrics) addSelinuxWarningMetrics(metrics, () => uses.conflicts());

  const mountsWithLabel = ({ volume, persistentVolume }: VolumeSpec): boolean => {
    const source = persistentVolume?.spec ?? volume;
    if (source?.csi) return drivers.byKey(source.csi.driver)?.spec.seLinuxMount ?? false;
    return source?.iscsi !== undefined || source?.fc !== undefined;
  };

  const syncVolume = (pod: Stored<Pod>, name: string, labels: ReadonlySet<string>): void => {
    const volume = pod.spec?.volumes?.find((each) => each.name === name);
    if (!volume) return;
    const spec = createVolumeSpec(pod, volume, { claims, volumes });
    if (labels.size > 1) {
      const text = `Volume "${name}" is mounted twice with different SELinux labels inside this pod`;
      recorder.event(pod, 'Warning', 'MultipleSELinuxLabels', text);
      return;
    }
    const plugin = plugins.all().find((each) => each.canSupport(spec));
    if (!plugin) return;
    const isRecursive = pod.spec?.securityContext?.seLinuxChangePolicy === 'Recursive';
    const [label = ''] = isRecursive || !mountsWithLabel(spec) ? [] : labels;
    // Without a label there is nothing to mount with, whatever the pod asks for.
    const changePolicy = label === '' ? 'Recursive' : 'MountOption';
    const csiDriver = spec.persistentVolume?.spec?.csi?.driver;
    const found = uses.add(uniqueVolumeName(plugin, spec), keyOf(pod), { label, changePolicy }, csiDriver);
    for (const conflict of found) {
      const told = podInformer.byKey(conflict.pod);
      if (told) recorder.event(told, 'Normal', `${conflict.property}Conflict`, conflictMessage(conflict));
    }
  };

  const controller = new Controller({
    name: COMPONENT,
    clock,
    log,
    workers: 1,
    async reconcile(key) {
      const pod = podInformer.byKey(key);
      if (!pod || isPodTerminated(pod)) return uses.deletePod(key);
      for (const [name, labels] of labelsByMount(pod)) {
        try {
          syncVolume(pod, name, labels);
        } catch (error) {
          // Its claim or its volume is yet to come, and brings the pod here again.
          log.debug('volume cannot be told yet', { pod: key, volume: name, error: String(error) });
        }
      }
    },
  });

  const lookAt = (pod: Stored<Pod>) => controller.enqueue(keyOf(pod));
  const lookAtPodsOf = (claimKey: string) => podInformer.byIndex(POD_PVC_INDEX, claimKey).forEach(lookAt);
  const bound = ({ spec }: PersistentVolume) => {
    if (spec?.claimRef?.uid) lookAtPodsOf(joinKey(spec.claimRef.namespace, spec.claimRef.name ?? ''));
  };
  const lookAtPodsOfDriver = ({ metadata }: Stored<CSIDriver>) => {
    for (const key of uses.podsOfDriver(metadata.name)) controller.enqueue(key);
  };
  return {
    name: COMPONENT,
    start: (signal) =>
      runControllers(signal, {
        informers: { podInformer, claims, volumes, drivers },
        listen: () => [
          podInformer.on({
            added: lookAt,
            updated: (pod, before) =>
              (isPodTerminated(pod) || pod.metadata.uid !== before.metadata.uid) && lookAt(pod),
            deleted: lookAt,
          }),
          claims.on({
            added: (claim) => lookAtPodsOf(keyOf(claim)),
            updated: (claim, before) => {
              const isNews =
                claim.spec?.volumeName !== before.spec?.volumeName ||
                claim.status?.phase !== before.status?.phase;
              if (isNews) lookAtPodsOf(keyOf(claim));
            },
          }),
          volumes.on({
            added: bound,
            updated: (volume, before) =>
              volume.spec?.claimRef?.uid !== before.spec?.claimRef?.uid && bound(volume),
          }),
          drivers.on({
            added: lookAtPodsOfDriver,
            updated: (driver, before) =>
              driver.spec.seLinuxMount !== before.spec.seLinuxMount && lookAtPodsOfDriver(driver),
            deleted: lookAtPodsOfDriver,
          }),
        ],
        loops: [controller],
      }),
  };
}
