import type { CsiClient } from '../../../src/csi/index.ts';
import type { Capability } from './capability.ts';
import type { Found, Thing } from './ledger.ts';

/** What a kind of driver has on the disk, or in its object store, seen past the driver. */
export interface Storage {
  readonly capability: Capability;
  /** Whether it copies, grows and takes snapshots of volumes. */
  readonly managesData: boolean;
  /** Whether a driver finishes by itself what the one before has begun; else whoever has asked for it asks again. */
  readonly finishesAlone: boolean;
  /** What calls need, beside what they are about. */
  readonly secrets?: Record<string, string>;
  parametersOf?(name: string): Record<string, string>;
  /** What the volume of a name is called by the driver, where that is not its name. */
  idOf?(name: string): string;
  /** What there is, as the driver says, where it can. */
  find(client: CsiClient): Promise<Map<string, Thing>>;
  /** Writes into a volume, as a pod would. */
  stamp(volumeId: string, stamp: string): void | Promise<void>;
  publish(client: CsiClient, volumeId: string): Promise<unknown>;
  unpublish(client: CsiClient, volumeId: string): Promise<unknown>;
  /** @throws AssertionError for what belongs to none of those that there are. */
  assertNothingBeside(found: Found): Promise<void>;
  close(): Promise<void>;
}
