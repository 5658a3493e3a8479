import type { Metrics } from '../../base/index.ts';
import { BACKOFF, type FlagsOf, fillIn, type RetryingOptions } from '../shared/options.ts';
import type { CapacityOptions } from './capacity/options.ts';
import type { NodeDeployment } from './node-arbiter.ts';

/** Flags of the sidecar, under their upstream names in camel case; defaults are upstream's. */
export interface ProvisionerFlags extends RetryingOptions {
  /** For each CSI call. @default 10000 */
  readonly timeoutMs?: number;
  /** How many volumes are made, and how many deleted, at once. @default 100 */
  readonly workerThreads?: number;
  /** How many sources of clones and restored volumes are let go of at once. @default 1 */
  readonly cloningProtectionThreads?: number;
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

export interface ProvisionerOptions extends ProvisionerFlags {
  /** --node-deployment: there is a provisioner on each node, beside the driver. @default one for the cluster */
  readonly nodeDeployment?: NodeDeployment;
  /** --enable-capacity: tells the scheduler of the driver's capacity. @default it does not */
  readonly capacity?: CapacityOptions;
  /** Where what it does is counted and timed. @default nowhere */
  readonly metrics?: Metrics;
}

export type Flags = FlagsOf<ProvisionerFlags>;

export const flagsOf = fillIn<ProvisionerFlags>({
  timeoutMs: 10_000,
  workerThreads: 100,
  cloningProtectionThreads: 1,
  backoff: BACKOFF,
  volumeNamePrefix: 'pvc',
  volumeNameUuidLength: -1,
  strictTopology: false,
  immediateTopology: true,
  extraCreateMetadata: false,
  defaultFsType: '',
  controllerPublishReadOnly: false,
  preventVolumeModeConversion: true,
  crossNamespaceVolumeDataSource: false,
});
