import type { BackoffPolicy } from '../../base/index.ts';
import type { CsiClient } from '../../csi/index.ts';

/** What every sidecar of a driver's controller is given. Flags have their upstream names in camel case; durations are milliseconds. */
export interface SidecarOptions {
  /** The driver's controller service. The component does not close it. */
  readonly csi: CsiClient;
  /** @default what the driver answers to GetPluginInfo */
  readonly driverName?: string;
  /** For each CSI call. */
  readonly timeoutMs?: number;
}

export interface RetryingOptions extends SidecarOptions {
  /** --retry-interval-start and --retry-interval-max. @default 1 s doubling to 5 min */
  readonly backoff?: BackoffPolicy;
}

export const BACKOFF: BackoffPolicy = { initialMs: 1_000, maxMs: 300_000 };

/** Options with their defaults filled in. */
export type FlagsOf<Options> = Required<Omit<Options, 'csi' | 'driverName'>>;

/** What fills the options of a sidecar in. */
export function fillIn<Options extends object>(
  defaults: FlagsOf<Options>,
): (given: Options) => FlagsOf<Options> {
  return (given) => {
    const known = Object.entries(given).filter(([name, value]) => name in defaults && value !== undefined);
    return { ...defaults, ...Object.fromEntries(known) };
  };
}
