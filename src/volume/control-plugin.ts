import type {
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  Stored,
  TopologySelectorTerm,
  Volume,
} from '../kube/index.ts';
import type { VolumeSpec } from './plugin.ts';

/**
 * What the control plane itself does with volumes of one type, where no CSI driver does it. Each optional part says what
 * the type can do; every call rejects with an error that is fit for an event. Shape: upstream's Provisionable, Deletable,
 * Recyclable and Expandable volume plugins.
 */
export interface ControlPlugin {
  /** kubernetes.io/host-path, … */
  readonly name: string;
  canSupport(spec: VolumeSpec): boolean;
  readonly provisioner?: Provisioner;
  readonly deleter?: Deleter;
  readonly recycler?: Recycler;
  readonly expander?: Expander;
}

/** What a volume is to be. */
export interface ProvisionRequest {
  /** The name of the PersistentVolume. */
  readonly name: string;
  readonly claim: Stored<PersistentVolumeClaim>;
  readonly reclaimPolicy: string;
  readonly mountOptions: readonly string[];
  readonly parameters: Readonly<Record<string, string>>;
  /** Where the first pod will run, when the class waits for one. */
  readonly selectedNode?: Stored<Node>;
  readonly allowedTopologies: readonly TopologySelectorTerm[];
}

export interface Provisioner {
  readonly supportsMountOptions: boolean;
  /** Throws when no volume can be made at all, whatever the request (NewProvisioner). */
  check?(): void;
  /** Makes the volume; resolves to the object that is to stand for it, not yet bound to anything. */
  provision(request: ProvisionRequest): Promise<PersistentVolume>;
}

export interface Deleter {
  /** Deletes the volume with its data; one that is gone already is fine. */
  delete(spec: VolumeSpec): Promise<void>;
}

/** The volume cannot be deleted yet: nothing is wrong, it wants another try (DeletedVolumeInUseError). */
export class VolumeInUseError extends Error {
  override name = 'VolumeInUseError';
}

/** How a pod scrubs the volume. */
export interface Recycler {
  /** The volume as the scrubbing pod mounts it. */
  source(spec: VolumeSpec): Omit<Volume, 'name'>;
  readonly minimumTimeoutSeconds: number;
  readonly timeoutSecondsPerGi: number;
}

export interface Expander {
  /** Whether a node must grow the file system as well. */
  readonly requiresFileSystemExpansion: boolean;
  /** Resolves to the size that the volume has now, as a quantity. */
  expand(spec: VolumeSpec, newSize: string, oldSize: string, signal: AbortSignal): Promise<string>;
}
