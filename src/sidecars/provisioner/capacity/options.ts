import type { RateLimit } from '../../../client/index.ts';

/** --enable-capacity and its flags; defaults are upstream's. */
export interface CapacityOptions {
  /** NAMESPACE: where the objects are. */
  readonly namespace: string;
  /** POD_NAME, and --capacity-ownerref-level: how far up from the pod the owner of the objects is. @default none owns them */
  readonly owner?: { readonly podName: string; readonly level: number };
  /** --capacity-poll-interval, milliseconds. @default 60000 */
  readonly pollIntervalMs?: number;
  /** --capacity-threads. @default 1 */
  readonly threads?: number;
  /** --capacity-for-immediate-binding. @default false */
  readonly immediateBinding?: boolean;
  /** --kube-api-capacity-qps and --kube-api-capacity-burst. @default none */
  readonly limit?: RateLimit;
  /** Only while the CSIDriver object of the driver has storageCapacity: nobody else looks at them. @default false */
  readonly onlyIfTracked?: boolean;
}
