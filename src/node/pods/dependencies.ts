import type { Clock, Logger, Trace } from '../../base/index.ts';
import type { Client, EventRecorder } from '../../client/index.ts';
import type { Host } from '../../host/index.ts';
import type { Pod, ResourceList, Service, Stored } from '../../kube/index.ts';
import type { Images } from '../images/index.ts';
import type { Runtime } from '../runtime/index.ts';
import type { PodVolume } from './container-config.ts';
import type { ProbeMetrics } from './probe-metrics.ts';

/** What pods need of a volume manager. */
export interface PodVolumes {
  /**
   * Resolves once all volumes that the pod's containers use are set up; may be called again after a rejection. One for
   * want of time has a TimeoutError as its cause.
   */
  waitForAttachAndMount(pod: Stored<Pod>, signal: AbortSignal): Promise<ReadonlyMap<string, PodVolume>>;
  /** Resolves once none of the pod's volumes is mounted. */
  waitForUnmount(pod: Stored<Pod>, signal: AbortSignal): Promise<void>;
  /** Removes what the pod still has on disk; what must stay because it may hold data is logged. Never rejects. */
  removePodDirectory(pod: Stored<Pod>): Promise<void>;
}

/** What the workers of all pods share. */
export interface PodDependencies {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
  readonly trace: Trace;
  readonly recorder: EventRecorder;
  readonly host: Host;
  readonly runtime: Runtime;
  readonly images: Images;
  readonly probeMetrics: ProbeMetrics;
  readonly volumes: PodVolumes;
  readonly nodeName: string;
  /** The kubelet's root directory. */
  readonly nodeRoot: string;
  readonly hostIp: string;
  /** How many processes a pod may have. @default any number */
  readonly podPidsLimit?: number;
  /** The node's, for containers without limits. */
  readonly allocatable: () => ResourceList;
  /** Of all namespaces. Resolves once they are known. */
  readonly services: () => Promise<Iterable<Stored<Service>>>;
}
