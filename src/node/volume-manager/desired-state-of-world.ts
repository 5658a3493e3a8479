import { type Clock, errorMessage } from '../../base/index.ts';
import type { Pod, Stored } from '../../kube/index.ts';
import {
  isAttachable,
  isDeviceMountable,
  type PluginRegistry,
  type UniqueVolumeName,
  uniqueVolumeName,
  uniqueVolumeNameForPod,
  type VolumePlugin,
  type VolumeSpec,
} from '../../volume/index.ts';

/** A volume that a pod is to have. */
export interface VolumeToMount {
  readonly volumeName: UniqueVolumeName;
  readonly plugin: VolumePlugin;
  readonly spec: VolumeSpec;
  readonly pod: Stored<Pod>;
  /** The names under which the pod knows the volume: spec.volumes[].name. */
  readonly outerNames: readonly string[];
  readonly attachable: boolean;
  readonly deviceMountable: boolean;
  /** node.status.volumesInUse names the volume: whoever detaches has been told. */
  readonly reportedInUse: boolean;
  /** The SELinux label to mount it with, where one matters. */
  readonly seLinuxLabel?: string;
  /** When the pod first asked for it, or last for one that is set up again and again; of a monotonic clock. */
  readonly requestedAtMs: number;
}

interface Wish extends Pick<VolumeToMount, 'spec' | 'outerNames' | 'requestedAtMs'> {
  readonly pod: Stored<Pod>;
}

interface DesiredVolume {
  readonly plugin: VolumePlugin;
  readonly deviceMountable: boolean;
  attachable: boolean;
  reportedInUse: boolean;
  readonly seLinuxLabel: string | undefined;
  readonly pods: Map<string, Wish>;
}

/** Errors of one pod that are remembered. */
const MAX_POD_ERRORS = 10;

/** What should be mounted, for which pods. Upstream: cache.DesiredStateOfWorld of the kubelet's volume manager. */
export class DesiredStateOfWorld {
  readonly #plugins: PluginRegistry;
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #volumes = new Map<UniqueVolumeName, DesiredVolume>();
  readonly #errors = new Map<string, Set<string>>();

  constructor(plugins: PluginRegistry, clock: Pick<Clock, 'monotonic'>) {
    this.#plugins = plugins;
    this.#clock = clock;
  }

  /** Adds the volume for the pod, or refreshes both. @throws Error if no plugin takes the volume. */
  addPodToVolume(
    pod: Stored<Pod>,
    spec: VolumeSpec,
    outerName: string,
    seLinuxLabel?: string,
  ): UniqueVolumeName {
    const plugin = this.#pluginOf(spec);
    const uid = pod.metadata.uid;
    const attachable = isAttachable(plugin, spec);
    const deviceMountable = isDeviceMountable(plugin, spec);
    const name =
      attachable || deviceMountable
        ? uniqueVolumeName(plugin, spec)
        : uniqueVolumeNameForPod(plugin, spec, uid);
    let volume = this.#volumes.get(name);
    if (!volume) {
      volume = { plugin, attachable, deviceMountable, reportedInUse: false, seLinuxLabel, pods: new Map() };
      this.#volumes.set(name, volume);
    }
    const before = volume.pods.get(uid);
    const known = before?.outerNames ?? [];
    const outerNames = known.includes(outerName) ? known : [...known, outerName];
    const requestedAtMs =
      before && !plugin.requiresRemount(spec) ? before.requestedAtMs : this.#clock.monotonic();
    volume.pods.set(uid, { pod, spec, outerNames, requestedAtMs });
    return name;
  }

  #pluginOf(spec: VolumeSpec): VolumePlugin {
    try {
      return this.#plugins.findBySpec(spec);
    } catch (error) {
      const what = `failed to get Plugin from volumeSpec for volume ${JSON.stringify(spec.name)}`;
      throw new Error(`${what} err=${errorMessage(error)}`, { cause: error });
    }
  }

  /** The pod says something else of itself now; its volumes are the same. */
  updatePod(pod: Stored<Pod>): void {
    const { uid } = pod.metadata;
    for (const { pods } of this.#volumes.values()) {
      const wish = pods.get(uid);
      if (wish) pods.set(uid, { ...wish, pod });
    }
  }

  deletePodFromVolume(podUid: string, name: UniqueVolumeName): void {
    this.#errors.delete(podUid);
    const volume = this.#volumes.get(name);
    if (!volume?.pods.delete(podUid)) return;
    if (volume.pods.size === 0) this.#volumes.delete(name);
  }

  /** Takes all the pod's volumes away; whether there were any. */
  deletePod(podUid: string): boolean {
    const names = [...this.#volumes].filter(([, volume]) => volume.pods.has(podUid)).map(([name]) => name);
    for (const name of names) this.deletePodFromVolume(podUid, name);
    this.#errors.delete(podUid);
    return names.length > 0;
  }

  /** Volumes are reported in use only as long as they are named; whether that changed anything. */
  markReportedInUse(names: ReadonlySet<UniqueVolumeName>): boolean {
    let changed = false;
    for (const [name, volume] of this.#volumes) {
      changed ||= volume.reportedInUse !== names.has(name);
      volume.reportedInUse = names.has(name);
    }
    return changed;
  }

  /** A CSIDriver object that came late may say that its volumes are not attached at all. */
  markNotAttachable(name: UniqueVolumeName): void {
    const volume = this.#volumes.get(name);
    if (volume) volume.attachable = false;
  }

  volumeExists(name: UniqueVolumeName): boolean {
    return this.#volumes.has(name);
  }

  /** The SELinux label that the volume is to be mounted with. */
  seLinuxLabelOf(name: UniqueVolumeName): string | undefined {
    return this.#volumes.get(name)?.seLinuxLabel;
  }

  podExistsInVolume(podUid: string, name: UniqueVolumeName): boolean {
    return this.#volumes.get(name)?.pods.has(podUid) ?? false;
  }

  hasSpecName(podUid: string, specName: string): boolean {
    for (const volume of this.#volumes.values())
      if (volume.pods.get(podUid)?.spec.name === specName) return true;
    return false;
  }

  pods(): ReadonlySet<string> {
    const pods = new Set<string>();
    for (const volume of this.#volumes.values()) for (const uid of volume.pods.keys()) pods.add(uid);
    return pods;
  }

  /** By the names that the pod uses. */
  volumeNamesForPod(podUid: string): Map<string, UniqueVolumeName> {
    const names = new Map<string, UniqueVolumeName>();
    for (const [name, volume] of this.#volumes)
      for (const outer of volume.pods.get(podUid)?.outerNames ?? []) names.set(outer, name);
    return names;
  }

  volumesToMount(podUid?: string): VolumeToMount[] {
    const result: VolumeToMount[] = [];
    for (const [volumeName, volume] of this.#volumes) {
      const { plugin, attachable, deviceMountable, reportedInUse, seLinuxLabel } = volume;
      for (const [uid, { pod, spec, outerNames, requestedAtMs }] of volume.pods) {
        if (podUid !== undefined && uid !== podUid) continue;
        result.push({
          volumeName,
          plugin,
          spec,
          pod,
          outerNames,
          attachable,
          deviceMountable,
          reportedInUse,
          seLinuxLabel,
          requestedAtMs,
        });
      }
    }
    return result;
  }

  addError(podUid: string, message: string): void {
    const errors = this.#errors.get(podUid) ?? new Set();
    if (errors.size < MAX_POD_ERRORS) errors.add(message);
    this.#errors.set(podUid, errors);
  }

  /** The pod's errors, sorted, which are thereby forgotten. */
  popErrors(podUid: string): string[] {
    const errors = [...(this.#errors.get(podUid) ?? [])].sort();
    this.#errors.delete(podUid);
    return errors;
  }
}
