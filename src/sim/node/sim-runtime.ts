import type { Machine } from '../../host/simulated/index.ts';
import {
  type ContainerRecord,
  nothingToPrepare,
  type Runtime,
  StartError,
} from '../../node/runtime/index.ts';
import type { Dice } from '../dice.ts';
import type { SimProcess } from '../process.ts';
import type { SimContainer, SimContainers } from './containers.ts';
import { programOf } from './programs.ts';

export interface SimRuntimeOptions {
  readonly containers: SimContainers;
  readonly machine: Machine;
  readonly process: SimProcess;
  readonly dice: Dice;
  readonly nodeName: string;
}

const START_MS = 20;
const STOP_MS = 150;

/** Runs simulated containers: they write to their volumes when they start and when they end, and run until stopped. */
export function createSimRuntime(options: SimRuntimeOptions): Runtime {
  const { containers, machine, process, dice, nodeName } = options;
  const asRecord = (container: SimContainer): ContainerRecord => ({
    ...container,
    logPath: `/log/${container.podUid}/${container.containerName}/${container.attempt}.log`,
  });
  /** Without power nothing that was begun is done. */
  const cross = <T>(delayMs: number, work: () => T): Promise<T> => {
    const { bootId } = machine;
    return process.cross(delayMs, () => (machine.bootId === bootId ? work() : new Promise<never>(() => {})));
  };
  const stops: (() => void)[] = [];
  const runtime: Runtime = {
    rootDescription: 'a simulated root file system',
    open: () => process.cross(1, () => undefined),
    prepare: nothingToPrepare((config) => runtime.start(config)),
    start: (config) => {
      const { bootId } = machine;
      return process.cross(dice.delay(START_MS), () => {
        // The power went meanwhile: nothing is left that could start it.
        if (machine.bootId !== bootId) return new Promise<never>(() => {});
        const mounts = config.mounts.map(({ hostPath, readOnly }) => {
          const found = machine.lookup(hostPath);
          if (!found) throw new StartError(`bind ${hostPath}: no such file or directory`);
          const { path, mount } = found;
          const node = machine.contentOf(found.node);
          if (!node) throw new StartError(`bind ${hostPath}: no such device`);
          if (mount?.grant?.open === false) throw new StartError(`bind ${hostPath}: stale file handle`);
          const seenReadOnly = readOnly || Boolean(mount?.options.includes('ro'));
          return { hostPath: path, node, readOnly: seenReadOnly, grant: mount?.grant };
        });
        const container: SimContainer = {
          id: Array.from({ length: 64 }, () => '0123456789abcdef'[dice.int(16)]).join(''),
          nodeName,
          podUid: config.podUid,
          podNamespace: config.podNamespace,
          podName: config.podName,
          containerName: config.containerName,
          attempt: config.attempt,
          image: config.image,
          pid: 1000 + dice.int(1_000_000),
          startedAtMs: process.clock.now(),
          mounts,
          program: programOf(config),
          state: 'running',
        };
        containers.start(container);
        return asRecord(container);
      });
    },
    usage: async () => undefined,
    containers: (podUid) => containers.of(nodeName, podUid).map(asRecord),
    stop: (id) =>
      cross(dice.delay(STOP_MS), () => {
        containers.exit(id, 143);
        const container = containers.get(id);
        if (!container) throw new Error(`no container ${id}`);
        return asRecord(container);
      }),
    remove: (id) => process.cross(0.5, () => containers.remove(id)),
    exec: () => Promise.reject(new Error('the simulated runtime runs no programs')),
    session: () => Promise.reject(new Error('the simulated runtime runs no programs')),
    attach: () => Promise.reject(new Error('the simulated runtime runs no programs')),
    onExit(callback) {
      const stop = containers.onExit((container) => {
        if (container.nodeName === nodeName) process.clock.after(0.5, () => callback(asRecord(container)));
      });
      process.onDeath(stop);
      stops.push(stop);
      return stop;
    },
    removeLogs: async () => undefined,
    logPath: (pod, containerName, attempt) => `/log/${pod.podUid}/${containerName}/${attempt}.log`,
    async close() {
      for (const stop of stops) stop();
    },
  };
  return runtime;
}
