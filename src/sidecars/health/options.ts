import type { CsiClient } from '../../csi/index.ts';

/** Flags of the sidecar, under their upstream names in camel case; defaults are upstream's; durations are milliseconds. */
export interface HealthMonitorOptions {
  /** The driver's controller service. The component does not close it. */
  readonly csi: CsiClient;
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

export type Flags = Required<Omit<HealthMonitorOptions, 'csi'>>;

export function flagsOf(options: HealthMonitorOptions): Flags {
  return {
    timeoutMs: options.timeoutMs ?? 15_000,
    monitorIntervalMs: options.monitorIntervalMs ?? 60_000,
    listVolumesIntervalMs: options.listVolumesIntervalMs ?? 300_000,
    nodeListAddIntervalMs: options.nodeListAddIntervalMs ?? 300_000,
    workerThreads: options.workerThreads ?? 10,
    enableNodeWatcher: options.enableNodeWatcher ?? false,
  };
}
