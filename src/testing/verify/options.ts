import type { Clock, Logger, Random } from '../../base/index.ts';
import type { Sockets } from '../../csi/index.ts';
import type { Host } from '../../host/index.ts';
import type { Secrets } from './secrets.ts';

export interface VerifyOptions {
  /** The driver's socket: `unix:///path`. It must serve the node service, and the controller's unless that is elsewhere. */
  readonly endpoint: string;
  /** Of the controller services, if not the same. */
  readonly controllerEndpoint?: string | undefined;
  /** An empty directory for staging and target paths; the driver must see it at the same path. */
  readonly directory: string;
  /** How volumes are used. @default mount */
  readonly accessType?: 'mount' | 'block' | undefined;
  /** Of each volume. @default 1 GiB */
  readonly sizeBytes?: bigint | undefined;
  /** StorageClass parameters, as the driver wants them. */
  readonly parameters?: Readonly<Record<string, string>> | undefined;
  /** VolumeAttributesClass parameters that the driver can apply to a volume. */
  readonly mutableParameters?: Readonly<Record<string, string>> | undefined;
  /** VolumeSnapshotClass parameters. */
  readonly snapshotParameters?: Readonly<Record<string, string>> | undefined;
  readonly secrets?: Secrets | undefined;
  /** Restarts the driver and returns once it is being started, for `sh -c`. @default checks that need it are skipped */
  readonly restartCommand?: string | undefined;
  /** Whether volumes also go through an ephemeral cluster. @default true */
  readonly lifeCycle?: boolean | undefined;
  /** Only checks whose id contains it. @default all */
  readonly only?: string | undefined;
  /** Milliseconds for each call. @default 60000 */
  readonly timeoutMs?: number | undefined;
  /** Hears of each check when it is through. */
  readonly onResult?: ((result: import('./report.ts').CheckResult) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** How the driver is reached; not by the cluster. @default gRPC over Unix sockets */
  readonly sockets?: Sockets | undefined;
  readonly host: Host;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** How long a call may take. */
export interface CallOptions {
  readonly timeoutMs: number;
  readonly waitForReady?: boolean;
}

export const DEFAULT_SIZE_BYTES = 1n << 30n;
export const DEFAULT_TIMEOUT_MS = 60_000;
