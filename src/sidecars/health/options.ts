import { type FlagsOf, fillIn, type SidecarOptions } from '../shared/options.ts';

/** Flags of the sidecar, under their upstream names in camel case; defaults are upstream's; durations are milliseconds. */
export interface HealthMonitorOptions extends SidecarOptions {
  /** For all calls of one look at the volumes. @default 15000 */
  readonly timeoutMs?: number;
  /** Between two looks of a worker at a volume, where the driver cannot list them. @default 60000 */
  readonly monitorIntervalMs?: number;
  /** Between two lists, where the driver can. @default 300000 */
  readonly listVolumesIntervalMs?: number;
  /** Between two looks at all nodes. @default 300000 */
  readonly nodeListAddIntervalMs?: number;
  /** How many volumes are looked at in a monitor interval. @default 10 */
  readonly workerThreads?: number;
  /** Tells claims of nodes that fail. @default false */
  readonly enableNodeWatcher?: boolean;
}

export type Flags = FlagsOf<HealthMonitorOptions>;

export const flagsOf = fillIn<HealthMonitorOptions>({
  timeoutMs: 15_000,
  monitorIntervalMs: 60_000,
  listVolumesIntervalMs: 300_000,
  nodeListAddIntervalMs: 300_000,
  workerThreads: 10,
  enableNodeWatcher: false,
});
