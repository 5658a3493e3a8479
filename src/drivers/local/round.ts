import type { Clock, Logger } from '../../base/index.ts';
import type { Client, EventRecorder, Lister } from '../../client/index.ts';
import type { Host } from '../../host/index.ts';
import type { Node, PersistentVolume, StorageClass, Stored } from '../../kube/index.ts';
import type { CleanupProcesses, Cleanups } from './cleanups.ts';
import type { ProvisionerConfig } from './config.ts';
import type { LocalMetrics } from './metrics.ts';

/** What the provisioner works with while it looks once at everything. */
export interface Round {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
  readonly recorder: EventRecorder;
  readonly host: Host;
  readonly metrics: LocalMetrics;
  readonly config: ProvisionerConfig;
  readonly node: Stored<Node>;
  readonly classes: Lister<Stored<StorageClass>>;
  /** The volumes that this provisioner has made, as they were when the round began. */
  readonly own: readonly Stored<PersistentVolume>[];
  readonly processes: CleanupProcesses;
  /** Who wipes volumes of a mode. */
  cleanupsOf(mode: 'Filesystem' | 'Block'): Cleanups;
}
