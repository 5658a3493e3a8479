import type { ComponentContext } from '../client/index.ts';
import type { Sockets } from '../csi/index.ts';
import type { Host } from '../host/index.ts';
import type { Machine } from '../host/simulated/index.ts';
import type { NetworkStorage } from './csi/network-storage.ts';
import type { Dice } from './dice.ts';
import type { Faults } from './faults.ts';
import type { TakeOverMs } from './leadership.ts';
import type { SimContainers } from './node/containers.ts';
import type { SimProcess } from './process.ts';

/** All that a process can reach. */
export interface PartContext {
  readonly components: ComponentContext;
  readonly process: SimProcess;
  readonly dice: Dice;
  readonly host: Host;
  readonly sockets: Sockets;
  readonly machine: Machine;
  readonly storage: NetworkStorage;
  readonly faults: Faults;
  readonly containers: SimContainers;
}

/** A process of the simulation: real components, started anew after each crash. */
export interface Part {
  readonly name: string;
  /** The name of the machine that it runs on, and dies with. */
  readonly computer: string;
  /** One of several leads. @default alone */
  readonly takeOverMs?: TakeOverMs;
  /** Runs until the process is killed; a rejection is a crash. */
  start(context: PartContext): Promise<unknown>;
}
