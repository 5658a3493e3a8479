import type { Host } from '../host.ts';
import { machineFiles } from './files.ts';
import type { Machine } from './machine.ts';
import { machineDisks, machineLoops, machineMounts } from './mounts.ts';

const CPUS = 8;
const MEMORY_BYTES = 16 * 2 ** 30;

/** A simulated machine as a host: every call is done at once, and touches nothing but memory. It runs no programs. */
export function createSimulatedHost(machine: Machine, now: () => number): Host {
  const noPrograms = () => new Error('the simulated host runs no programs');
  const absent = () => Promise.reject(noPrograms());
  return {
    files: machineFiles(machine, now),
    mounts: machineMounts(machine),
    loops: machineLoops(machine),
    disks: machineDisks(machine),
    processes: {
      exec: absent,
      spawn: absent,
      connect: () => {
        throw noPrograms();
      },
      isAlive: async () => false,
      kill: async () => undefined,
      children: async () => [],
      find: async () => undefined,
    },
    network: { connect: absent, open: absent, httpGet: absent, grpcHealth: absent },
    info: () => ({
      hostname: machine.name,
      architecture: 'amd64',
      kernelVersion: '6.1.0-sim',
      osImage: 'Simulated',
      machineId: machine.name,
      bootId: machine.bootId,
      cpus: CPUS,
      memoryBytes: MEMORY_BYTES,
    }),
  };
}
