import type { Machine } from '../host/simulated/index.ts';
import type { SocketTable } from './csi/sim-sockets.ts';
import type { Link } from './host/link.ts';

/** A machine of the simulation with what belongs to it. Nodes are named as theirs. */
export interface Computer {
  readonly name: string;
  readonly machine: Machine;
  readonly sockets: SocketTable;
  readonly link: Link;
  /** Off: nothing runs on it. */
  power: 'on' | 'off' | 'lost';
}

/** Where the control plane runs, with the controller service of the network driver. */
export const CONTROL = 'control';
