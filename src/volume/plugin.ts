import type { PersistentVolume, Pod, Stored, Volume } from '../kube/index.ts';
import type { OwnershipReporter } from './ownership/ownership-progress.ts';

/** A volume as a pod uses it: either written in the pod (`volume`), or a bound PersistentVolume. */
export interface VolumeSpec {
  /** The name of the pod's volume, or of the PersistentVolume. */
  readonly name: string;
  readonly volume?: Volume;
  readonly persistentVolume?: Stored<PersistentVolume>;
  /** The PersistentVolume is a translation of what the pod says: the server has no such object (InlineVolumeSpecForCSIMigration). */
  readonly isInlineMigrated?: boolean;
  /** A driver took over from the plugin that the volume was written for. */
  readonly isMigrated?: boolean;
  /** The pod's volume source asks for read-only. */
  readonly readOnly: boolean;
}

/**
 * How one type of volume is attached, mounted and undone. Each optional part says what the type can do; every call is
 * idempotent and rejects with an error that is fit for an event. Shape: upstream's VolumePlugin and its Attachable,
 * DeviceMountable and (un)Mounter parts.
 */
export interface VolumePlugin {
  /** kubernetes.io/csi, kubernetes.io/empty-dir, … */
  readonly name: string;
  canSupport(spec: VolumeSpec): boolean;
  /** What tells volumes of this plugin apart, on whatever node: for csi `DRIVER^HANDLE`. Throws on a malformed spec. */
  volumeName(spec: VolumeSpec): string;
  /** Whether the volume is set up again on every sync, to refresh its content (configMap, requiresRepublish). */
  requiresRemount(spec: VolumeSpec): boolean;
  /** Whether it mounts with a PersistentVolume's mountOptions. Others refuse a volume that has some. @default false */
  readonly supportsMountOptions?: boolean;
  readonly attacher?: Attacher;
  readonly deviceMounter?: DeviceMounter;
  readonly mounter: Mounter;
  /** Present when volumes of the type can be given to a pod as a device (volumeMode Block). */
  readonly blockMapper?: BlockMapper;
  readonly nodeExpander?: NodeExpander;
  /**
   * How full a volume that a pod uses is, and how healthy; undefined when nobody can tell. Upstream: MetricsProvider.
   * Absent: as the file system at the path says.
   */
  stats?(request: StatsRequest): Promise<VolumeStats | undefined>;
  /** Resolves once the plugin can tell what is attachable (its caches are filled). Absent: at once. */
  readonly ready?: Promise<void>;
}

/** Makes a volume reachable from a node; called by whoever attaches for the node: the controller or the node itself. */
export interface Attacher {
  canAttach(spec: VolumeSpec): boolean;
  /** Resolves once the volume is attached; the device path, or '' where the plugin has none. */
  attach(spec: VolumeSpec, nodeName: string, signal: AbortSignal): Promise<string>;
  /** `volumeName` as `VolumePlugin.volumeName` gives it. Resolves once detached. */
  detach(volumeName: string, nodeName: string, signal: AbortSignal): Promise<void>;
  /** On the node: resolves once the attached volume can be used there. `pod` is one that wants it. */
  waitForAttach(
    spec: VolumeSpec,
    nodeName: string,
    devicePath: string,
    signal: AbortSignal,
    pod?: Stored<Pod>,
  ): Promise<string>;
  /** Whether a volume that was attached still is. Absent: nobody can tell. */
  isAttached?(spec: VolumeSpec, nodeName: string, signal: AbortSignal): Promise<boolean>;
  /** On the node: whether it is the node's limit that keeps the volume from being attached. Absent: it never is. */
  verifyExhaustedResource?(spec: VolumeSpec, signal: AbortSignal): Promise<boolean>;
}

/** What a set-up needs beside its spec. */
export interface MountContext {
  readonly pod: Stored<Pod>;
  readonly fsGroup?: number;
  readonly fsGroupChangePolicy?: 'Always' | 'OnRootMismatch';
  /** Who hears how giving the volume to the group goes. */
  readonly ownershipReporter?: OwnershipReporter;
  /** With what SELinux label the volume's files are to be seen; absent where SELinux does not matter. */
  readonly seLinuxLabel?: string;
  /** The pod uses the volume already; a failure must leave what it sees in place. */
  readonly isRemount?: boolean;
  /** The volume was found on disk after a restart and a pod may be using it. */
  readonly isReconstructed?: boolean;
  readonly signal: AbortSignal;
}

/** Mounts a volume once a node, at a global path that pods' mounts are made from. */
export interface DeviceMounter {
  canMountDevice(spec: VolumeSpec): boolean;
  deviceMountPath(spec: VolumeSpec): string;
  mountDevice(
    spec: VolumeSpec,
    devicePath: string,
    deviceMountPath: string,
    context: MountContext,
  ): Promise<void>;
  unmountDevice(deviceMountPath: string, signal: AbortSignal): Promise<void>;
  /** The devices that were mounted before a restart, as far as they can be told from disk. */
  reconstructDevices?(): Promise<readonly ReconstructedVolume[]>;
  /** Removes what a crash has left of mounts that were never noted. Rejects while some of it stays: it is asked again. */
  clearAbandoned?(): Promise<void>;
}

/** A volume found on disk after a restart, as far as its plugin can tell. */
export interface ReconstructedVolume {
  readonly spec: VolumeSpec;
  readonly volumeName: string;
  /** The label that it was mounted with. */
  readonly seLinuxLabel?: string;
}

/** Mounts a volume for a pod. */
export interface Mounter {
  /** Where the pod's mount is: below `pods/UID/volumes/`. */
  podPath(spec: VolumeSpec, podUid: string): string;
  /** Rejects when the volume cannot be mounted whatever the pod; comes before everything else (NewMounter). */
  check?(spec: VolumeSpec): Promise<void>;
  setUp(spec: VolumeSpec, context: MountContext): Promise<void>;
  /** `specName`: the last part of podPath's volume directory, as found on disk. */
  tearDown(specName: string, podUid: string, signal: AbortSignal): Promise<void>;
  /** What `pods/UID/volumes/PLUGIN/specName` holds; undefined when nothing usable is there. */
  reconstruct(specName: string, podUid: string): Promise<ReconstructedVolume | undefined>;
}

/**
 * Gives a volume to a pod as a device. Upstream: BlockVolumeMapper, CustomBlockVolumeMapper and their undoing. What is
 * absent, the plugin leaves to who calls it.
 */
export interface BlockMapper {
  /** The directory on the node that has a link, or a bind mount, for each pod (GetGlobalMapPath). */
  globalMapPath(spec: VolumeSpec): string;
  /** The pod's own directory of links to devices, below `pods/UID/volumeDevices/`; a link is named as the spec. */
  podDeviceMapDirectory(podUid: string): string;
  /** Comes before everything else (NewBlockVolumeMapper): notes what is needed to undo the rest. */
  prepare?(spec: VolumeSpec): Promise<void>;
  /** Once a node. Resolves to the path by which the device was reached, '' where there is none. */
  setUpDevice?(spec: VolumeSpec, devicePath: string, context: MountContext): Promise<string>;
  /** Once a pod. Resolves to the path of the device for the pod, '' where setUpDevice told it. */
  mapPodDevice?(spec: VolumeSpec, context: MountContext): Promise<string>;
  unmapPodDevice?(specName: string, podUid: string, signal: AbortSignal): Promise<void>;
  /** `globalMapPath` is there, unless it never was. */
  tearDownDevice?(specName: string, signal: AbortSignal, globalMapPath: string): Promise<void>;
  /** What `pods/UID/volumeDevices/PLUGIN/specName` is; undefined when nothing usable is there. */
  reconstruct(specName: string, podUid: string): Promise<ReconstructedVolume | undefined>;
  /** The devices that were set up before a restart, as far as they can be told from disk, and for which pods. */
  reconstructDevices?(): Promise<readonly (ReconstructedVolume & { readonly podUids: readonly string[] })[]>;
  /** As a DeviceMounter's. */
  clearAbandoned?(): Promise<void>;
}

export interface StatsRequest {
  readonly spec: VolumeSpec;
  readonly podUid: string;
  /** The pod's mount; of a device the pod's link below its global map path. */
  readonly path: string;
  readonly signal: AbortSignal;
}

/** In bytes and inodes; what is absent is not known. */
export interface VolumeStats {
  readonly capacity?: number;
  readonly available?: number;
  readonly used?: number;
  readonly inodes?: number;
  readonly inodesFree?: number;
  readonly inodesUsed?: number;
  /** What a driver says of the volume's health (CSIVolumeHealth α). */
  readonly condition?: { readonly abnormal: boolean; readonly message: string };
}

/** Grows what is mounted on a node to the new size of its volume. Upstream: NodeExpandableVolumePlugin. */
export interface NodeExpander {
  /** Whether the volume has to be grown on nodes at all (RequiresFSResize). */
  requiresExpansion(spec: VolumeSpec): boolean;
  expand(request: NodeExpansion): Promise<void>;
}

export interface NodeExpansion {
  readonly spec: VolumeSpec;
  readonly devicePath: string;
  /** The pod's mount. */
  readonly mountPath: string;
  /** Where the volume is mounted once a node; '' where it is not. */
  readonly deviceMountPath: string;
  /** Quantities. */
  readonly newSize: string;
  readonly oldSize: string;
  readonly signal: AbortSignal;
}

/** By what a plugin is found. */
export type Findable = Pick<VolumePlugin, 'name' | 'canSupport'>;

/** Finds the plugin of a spec. Rejects a spec that none, or more than one, supports. */
export interface PluginRegistry<P extends Findable = VolumePlugin> {
  findBySpec(spec: VolumeSpec): P;
  findByName(name: string): P | undefined;
  all(): readonly P[];
  /** Resolves once the plugins that come and go were looked for. */
  readonly probed: Promise<void>;
  /** Calls back after a plugin has come, changed or gone, until the returned function is called. */
  onChange(callback: () => void): () => void;
}

/** Finds plugins that come and go (DynamicPluginProber). */
export interface PluginProber<P extends Findable = VolumePlugin>
  extends Pick<PluginRegistry<P>, 'all' | 'probed' | 'onChange'> {}

/** `PLUGIN/VOLUME`: the name under which nodes and controllers speak of a volume (v1.UniqueVolumeName). */
export type UniqueVolumeName = string;

export function uniqueVolumeName(plugin: VolumePlugin, spec: VolumeSpec): UniqueVolumeName {
  return `${plugin.name}/${plugin.volumeName(spec)}`;
}

/**
 * The name of a volume that belongs to one pod: what can neither be attached nor mounted once a node is told apart by
 * pod (GetUniqueVolumeNameFromSpecWithPod).
 */
export function uniqueVolumeNameForPod(
  plugin: VolumePlugin,
  spec: VolumeSpec,
  podUid: string,
): UniqueVolumeName {
  return `${plugin.name}/${podUid}-${spec.name}`;
}

export function isAttachable(plugin: VolumePlugin, spec: VolumeSpec): boolean {
  return plugin.attacher?.canAttach(spec) ?? false;
}

export function isDeviceMountable(plugin: VolumePlugin, spec: VolumeSpec): boolean {
  return plugin.deviceMounter?.canMountDevice(spec) ?? false;
}

/** The plugin's name and the volume's, out of a unique name. The plugin's name is the first two parts. */
export function splitUniqueVolumeName(unique: UniqueVolumeName): { pluginName: string; volumeName: string } {
  const second = unique.indexOf('/', unique.indexOf('/') + 1);
  if (second < 0) throw new Error(`${JSON.stringify(unique)} is not a unique volume name (PLUGIN/VOLUME)`);
  return { pluginName: unique.slice(0, second), volumeName: unique.slice(second + 1) };
}

/** By what name metrics have a volume's plugin: `kubernetes.io/csi:DRIVER`, or its own (GetFullQualifiedPluginNameForVolume). */
export function qualifiedPluginName({ name }: Pick<VolumePlugin, 'name'>, spec: VolumeSpec): string {
  const driver = spec.volume?.csi?.driver ?? spec.persistentVolume?.spec?.csi?.driver;
  return driver === undefined ? name : `${name}:${driver}`;
}
