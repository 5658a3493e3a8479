import type { UniqueVolumeName, VolumePlugin, VolumeSpec } from '../../volume/index.ts';

/** `uncertain`: it may be mounted or be about to; it has to be undone, and must not be used. */
export type MountState = 'not-mounted' | 'mounted' | 'uncertain';

/** `uncertain`: found on disk, the node's status has not been asked yet. */
export type Attachability = 'yes' | 'no' | 'uncertain';

/** A volume that is mounted for a pod, or may be. */
export interface PodMount {
  readonly volumeName: UniqueVolumeName;
  readonly plugin: VolumePlugin;
  readonly podUid: string;
  readonly spec: VolumeSpec;
  readonly state: 'mounted' | 'uncertain';
  readonly remountRequired: boolean;
  /** Found on disk after a restart, not set up since. */
  readonly reconstructed: boolean;
}

/** A volume that is attached to this node, or needs no attaching. */
export interface AttachedVolume {
  readonly volumeName: UniqueVolumeName;
  readonly plugin: VolumePlugin;
  readonly spec: VolumeSpec;
  readonly devicePath: string;
  readonly attachable: Attachability;
  readonly deviceState: MountState;
  readonly deviceMountPath: string;
  /** Where a device that is given to pods as one was staged; '' where it was not. */
  readonly stagingPath: string;
  readonly deviceReconstructed: boolean;
  /** The SELinux label that it is mounted with globally. */
  readonly seLinuxLabel: string | undefined;
  /** What its claim had when it was mounted, or what it has grown to since. */
  readonly size: string | undefined;
  /** Growing it has failed for good. */
  readonly expansionFailed: boolean;
  /** It can grow only while it is not in use (volumeInUseErrorForExpansion). */
  readonly growsUnused: boolean;
  readonly pods: ReadonlyMap<string, PodMount>;
}

type MutableVolume = { -readonly [K in keyof AttachedVolume]: AttachedVolume[K] } & {
  pods: Map<string, PodMount>;
};

/** What is mounted, as far as is known. Upstream: cache.ActualStateOfWorld of the kubelet's volume manager. */
export class ActualStateOfWorld {
  readonly #volumes = new Map<UniqueVolumeName, MutableVolume>();

  get(name: UniqueVolumeName): AttachedVolume | undefined {
    return this.#volumes.get(name);
  }

  volumes(): readonly AttachedVolume[] {
    return [...this.#volumes.values()];
  }

  /** Everything that is mounted for pods, or may be. */
  podMounts(): PodMount[] {
    return this.volumes().flatMap((volume) => [...volume.pods.values()]);
  }

  podMountsOf(podUid: string): PodMount[] {
    return this.podMounts().filter((mount) => mount.podUid === podUid);
  }

  podMount(podUid: string, name: UniqueVolumeName): PodMount | undefined {
    return this.#volumes.get(name)?.pods.get(podUid);
  }

  hasSpecName(podUid: string, specName: string): boolean {
    return this.podMountsOf(podUid).some((mount) => mount.spec.name === specName);
  }

  /** Whether a pod other than this one has the volume, or may have. */
  isMountedElsewhere(name: UniqueVolumeName, podUid: string): boolean {
    const pods = this.#volumes.get(name)?.pods;
    return pods !== undefined && [...pods.keys()].some((uid) => uid !== podUid);
  }

  markAttached(
    volumeName: UniqueVolumeName,
    plugin: VolumePlugin,
    spec: VolumeSpec,
    devicePath: string,
    attachable: Attachability,
  ): void {
    const known = this.#volumes.get(volumeName);
    if (known) {
      known.devicePath = devicePath;
      if (attachable !== 'uncertain') known.attachable = attachable;
      return;
    }
    this.#volumes.set(volumeName, {
      volumeName,
      plugin,
      spec,
      devicePath,
      attachable,
      deviceState: 'not-mounted',
      deviceMountPath: '',
      stagingPath: '',
      deviceReconstructed: false,
      seLinuxLabel: undefined,
      size: undefined,
      expansionFailed: false,
      growsUnused: false,
      pods: new Map(),
    });
  }

  /** @throws Error while it is mounted for a pod or globally: that would lose it. */
  markDetached(name: UniqueVolumeName): void {
    const volume = this.#volumes.get(name);
    if (!volume) return;
    if (volume.pods.size > 0 || volume.deviceState !== 'not-mounted') {
      throw new Error(
        `volume ${name} cannot be forgotten: mounted for ${volume.pods.size} pods, device ${volume.deviceState}`,
      );
    }
    this.#volumes.delete(name);
  }

  markDeviceMounted(
    name: UniqueVolumeName,
    devicePath: string,
    deviceMountPath: string,
    stagingPath = '',
  ): void {
    const volume = this.#attached(name);
    volume.deviceState = 'mounted';
    volume.devicePath = devicePath || volume.devicePath;
    volume.deviceMountPath = deviceMountPath;
    volume.stagingPath = stagingPath;
    volume.deviceReconstructed = false;
  }

  /** Comes before it is mounted globally. */
  markDeviceLabel(name: UniqueVolumeName, seLinuxLabel: string | undefined): void {
    this.#attached(name).seLinuxLabel = seLinuxLabel;
  }

  markDeviceUncertain(name: UniqueVolumeName, deviceMountPath: string, reconstructed = false): void {
    const volume = this.#attached(name);
    volume.deviceState = 'uncertain';
    volume.deviceMountPath = deviceMountPath;
    if (reconstructed) volume.deviceReconstructed = true;
  }

  markDeviceUnmounted(name: UniqueVolumeName): void {
    const volume = this.#attached(name);
    volume.deviceState = 'not-mounted';
    volume.deviceMountPath = '';
    volume.deviceReconstructed = false;
    volume.growsUnused = false;
  }

  /** Notes the size of a volume of which none is known. */
  initializeSize(name: UniqueVolumeName, size: string): void {
    this.#attached(name).size ??= size;
  }

  markResized(name: UniqueVolumeName, size: string): void {
    Object.assign(this.#attached(name), { size, expansionFailed: false });
  }

  markExpansionFailed(name: UniqueVolumeName): void {
    this.#attached(name).expansionFailed = true;
  }

  markGrowsUnused(name: UniqueVolumeName): void {
    this.#attached(name).growsUnused = true;
  }

  markMounted(name: UniqueVolumeName, podUid: string, spec: VolumeSpec): void {
    this.#mark(name, podUid, spec, 'mounted', false);
  }

  markMountUncertain(name: UniqueVolumeName, podUid: string, spec: VolumeSpec, reconstructed = false): void {
    this.#mark(name, podUid, spec, 'uncertain', reconstructed || this.#reconstructed(name, podUid));
  }

  markUnmounted(name: UniqueVolumeName, podUid: string): void {
    this.#volumes.get(name)?.pods.delete(podUid);
  }

  /** Has those of the pod's volumes set up again whose plugin wants that, to refresh them; whether there are any. */
  markRemountRequired(podUid: string): boolean {
    let any = false;
    for (const volume of this.#volumes.values()) {
      const mount = volume.pods.get(podUid);
      if (mount?.state !== 'mounted' || !mount.plugin.requiresRemount(mount.spec)) continue;
      volume.pods.set(podUid, { ...mount, remountRequired: true });
      any = true;
    }
    return any;
  }

  /** It is being set up again. Who asks for that meanwhile wants it once more. */
  remountBegins(name: UniqueVolumeName, podUid: string): void {
    this.#setRemountRequired(name, podUid, false);
  }

  remountFailed(name: UniqueVolumeName, podUid: string): void {
    this.#setRemountRequired(name, podUid, true);
  }

  #setRemountRequired(name: UniqueVolumeName, podUid: string, remountRequired: boolean): void {
    const mount = this.podMount(podUid, name);
    if (mount) this.#volumes.get(name)?.pods.set(podUid, { ...mount, remountRequired });
  }

  #mark(
    volumeName: UniqueVolumeName,
    podUid: string,
    spec: VolumeSpec,
    state: 'mounted' | 'uncertain',
    reconstructed: boolean,
  ): void {
    const volume = this.#attached(volumeName);
    const { plugin } = volume;
    const before = volume.pods.get(podUid);
    volume.pods.set(podUid, {
      volumeName,
      plugin,
      podUid,
      spec,
      state,
      remountRequired: state === 'mounted' && (before?.remountRequired ?? false),
      reconstructed,
    });
    // A volume rebuilt from disk knows little of itself; what a pod brings is the whole of it.
    if (state === 'mounted') volume.spec = spec;
  }

  #reconstructed(name: UniqueVolumeName, podUid: string): boolean {
    return this.podMount(podUid, name)?.reconstructed ?? false;
  }

  #attached(name: UniqueVolumeName): MutableVolume {
    const volume = this.#volumes.get(name);
    if (!volume)
      throw new Error(
        `no volume with the name ${JSON.stringify(name)} exists in the list of attached volumes`,
      );
    return volume;
  }
}
