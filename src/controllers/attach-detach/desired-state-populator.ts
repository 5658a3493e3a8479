import { errorMessage, type Logger } from '../../base/index.ts';
import type { Lister } from '../../client/index.ts';
import { isPodTerminated, keyOf, type Pod, type Stored } from '../../kube/index.ts';
import { type PluginRegistry, uniqueVolumeName } from '../../volume/index.ts';
import type { DesiredStateOfWorld } from './desired-state-of-world.ts';
import { attachablePlugin, createVolumeSpec, type VolumeListers } from './volume-spec.ts';

export interface PopulatorOptions {
  readonly desired: DesiredStateOfWorld;
  readonly plugins: PluginRegistry;
  readonly listers: VolumeListers;
  readonly pods: Pick<Lister<Stored<Pod>>, 'byKey' | 'values'>;
  /** Whether the node wants volumes of ended pods to stay attached. */
  keepsTerminatedPodVolumes(nodeName: string): boolean;
  readonly log: Logger;
}

/** Keeps the desired state equal to what the scheduled pods need. */
export class DesiredStatePopulator {
  readonly #options: PopulatorOptions;

  constructor(options: PopulatorOptions) {
    this.#options = options;
  }

  /** A pod appeared or changed. Volumes whose claims are not bound yet are found when the claim changes. */
  podChanged(pod: Stored<Pod>): void {
    const { desired, plugins, listers, log } = this.#options;
    const nodeName = pod.spec?.nodeName;
    if (!nodeName || !desired.hasNode(nodeName)) return;
    if (isPodTerminated(pod) && !this.#options.keepsTerminatedPodVolumes(nodeName)) {
      desired.deletePod(pod.metadata.uid);
      return;
    }
    for (const volume of pod.spec?.volumes ?? []) {
      try {
        const spec = createVolumeSpec(pod, volume, listers);
        const plugin = attachablePlugin(plugins, spec);
        if (plugin) desired.addPod(pod, uniqueVolumeName(plugin, spec), spec, nodeName);
      } catch (error) {
        log.debug('a volume of a pod cannot be attached yet', {
          pod: keyOf(pod),
          volume: volume.name,
          error: errorMessage(error),
        });
      }
    }
  }

  podDeleted(pod: Stored<Pod>): void {
    this.#options.desired.deletePod(pod.metadata.uid);
  }

  /** Looks at everything again: what an event could not tell, or told too early. */
  resync(): void {
    const { desired, plugins, pods } = this.#options;
    for (const pod of desired.pods()) {
      if (pods.byKey(keyOf(pod))?.metadata.uid !== pod.metadata.uid) desired.deletePod(pod.metadata.uid);
    }
    for (const name of desired.volumeNames()) {
      const spec = desired.nodesOf(name)[0]?.spec;
      // e.g. the CSIDriver object came late and says attachRequired: false.
      if (spec && !attachablePlugin(plugins, spec)) desired.deleteVolume(name);
    }
    for (const pod of pods.values()) this.podChanged(pod);
  }
}
