import type { CsiClient } from '../../csi/index.ts';

/** Flags of the sidecar, under their upstream names in camel case; defaults are upstream's. */
export interface ProvisionerOptions {
  /** The driver's controller service. The component does not close it. */
  readonly csi: CsiClient;
  /** @default what the driver answers to GetPluginInfo */
  readonly driverName?: string;
  /** Milliseconds for each CSI call. @default 10000 */
  readonly timeoutMs?: number;
  /** How many volumes are made, and how many deleted, at once. @default 100 */
  readonly workerThreads?: number;
  /** Milliseconds until the first retry; doubles with each failure. @default 1000 */
  readonly retryIntervalStartMs?: number;
  /** @default 300000 */
  readonly retryIntervalMaxMs?: number;
  /** @default 'pvc' */
  readonly volumeNamePrefix?: string;
  /** Cuts the claim's uid, without dashes, to so many characters; -1 keeps it whole. @default -1 */
  readonly volumeNameUuidLength?: number;
  /** Delayed binding: ask for the place of the selected node only. @default false */
  readonly strictTopology?: boolean;
  /** Immediate binding: tell the driver where it runs. @default true */
  readonly immediateTopology?: boolean;
  /** Passes the names of claim and volume to the driver as parameters. @default false */
  readonly extraCreateMetadata?: boolean;
  /** The file system when the class names none. @default '' (the driver's choice) */
  readonly defaultFsType?: string;
  /** Marks the volume of a claim that is ReadOnlyMany only as read-only. @default false */
  readonly controllerPublishReadOnly?: boolean;
  /** Refuses a volume of another mode than its snapshot's volume had, unless the content allows it. @default true */
  readonly preventVolumeModeConversion?: boolean;
  /** The gate CrossNamespaceVolumeDataSource: sources in other namespaces, where a ReferenceGrant allows it. @default false */
  readonly crossNamespaceVolumeDataSource?: boolean;
}

/** Flags with their defaults filled in. */
export type Flags = Required<Omit<ProvisionerOptions, 'csi' | 'driverName'>>;

export function flagsOf(options: ProvisionerOptions): Flags {
  return {
    timeoutMs: options.timeoutMs ?? 10_000,
    workerThreads: options.workerThreads ?? 100,
    retryIntervalStartMs: options.retryIntervalStartMs ?? 1_000,
    retryIntervalMaxMs: options.retryIntervalMaxMs ?? 300_000,
    volumeNamePrefix: options.volumeNamePrefix ?? 'pvc',
    volumeNameUuidLength: options.volumeNameUuidLength ?? -1,
    strictTopology: options.strictTopology ?? false,
    immediateTopology: options.immediateTopology ?? true,
    extraCreateMetadata: options.extraCreateMetadata ?? false,
    defaultFsType: options.defaultFsType ?? '',
    controllerPublishReadOnly: options.controllerPublishReadOnly ?? false,
    preventVolumeModeConversion: options.preventVolumeModeConversion ?? true,
    crossNamespaceVolumeDataSource: options.crossNamespaceVolumeDataSource ?? false,
  };
}
