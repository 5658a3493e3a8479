import { type Clock, errorMessage, type Random, type Timer } from '../../base/index.ts';
import type { Files } from '../../host/index.ts';
import {
  type ContainerConfig,
  type ContainerRecord,
  type PodIdentity,
  type Runtime,
  StartError,
} from '../runtime/contract.ts';
import { nothingToPrepare } from '../runtime/nothing-to-prepare.ts';
import type { ContainerEnd } from './container-end.ts';

export interface SimulatedRuntimeOptions {
  readonly files: Pick<Files, 'stat'>;
  readonly clock: Clock;
  readonly random: Random;
  /** How the container comes to its end by itself, if it does. What it throws keeps the container from starting. */
  endOf(config: ContainerConfig): ContainerEnd | undefined;
}

interface Simulated {
  record: ContainerRecord;
  ending?: Timer;
}

/** The exit code of a process that SIGTERM ended. */
const TERMINATED = 143;
const ID_DIGITS = 64;

/**
 * Runs containers that do nothing: they want their volumes to be where they are bound from, answer every probe, and run
 * until they are stopped or their time has come. They end with the machine.
 */
export function createSimulatedRuntime(options: SimulatedRuntimeOptions): Runtime {
  const { files, clock, random } = options;
  const containers = new Map<string, Simulated>();
  const listeners = new Set<(record: ContainerRecord) => void>();
  let pid = 1000;
  const noPrograms = () => Promise.reject(new Error('a simulated container runs no programs'));
  const logPath = ({ podUid }: PodIdentity, containerName: string, attempt: number) =>
    `/var/log/pods/${podUid}/${containerName}/${attempt}.log`;
  const exit = (id: string, exitCode: number): ContainerRecord => {
    const container = containers.get(id);
    if (!container) throw new Error(`there is no container ${id}`);
    container.ending?.cancel();
    if (container.record.state === 'exited') return container.record;
    container.record = { ...container.record, state: 'exited', finishedAtMs: clock.now(), exitCode };
    for (const listener of listeners) listener(container.record);
    return container.record;
  };
  const runtime: Runtime = {
    rootDescription: 'simulated: it holds nothing and runs no program',
    open: async () => undefined,
    prepare: nothingToPrepare((config) => runtime.start(config)),
    async start(config) {
      for (const { hostPath } of config.mounts) {
        if (!(await files.stat(hostPath)))
          throw new StartError(`bind ${hostPath}: no such file or directory`);
      }
      const { podUid, podNamespace, podName, containerName, attempt, image } = config;
      const record: ContainerRecord = {
        id: Array.from({ length: ID_DIGITS }, () => Math.floor(random.next() * 16).toString(16)).join(''),
        podUid,
        podNamespace,
        podName,
        containerName,
        attempt,
        image,
        state: 'running',
        startedAtMs: clock.now(),
        logPath: logPath(config, containerName, attempt),
        pid: pid++,
      };
      const container: Simulated = { record };
      const end = endOrRefusal(options, config);
      containers.set(record.id, container);
      if (end)
        container.ending = clock.after(end.afterMs, () => exit(record.id, end.exitCode), { unref: true });
      return record;
    },
    containers: (podUid) =>
      [...containers.values()]
        .map(({ record }) => record)
        .filter((record) => podUid === undefined || record.podUid === podUid),
    usage: async () => undefined,
    stop: async (id) => exit(id, TERMINATED),
    async remove(id) {
      containers.get(id)?.ending?.cancel();
      containers.delete(id);
    },
    // For probes and hooks: what is simulated is well.
    exec: async () => ({ exitCode: 0, stdout: '', stderr: '' }),
    session: noPrograms,
    attach: noPrograms,
    onExit(callback) {
      listeners.add(callback);
      return () => listeners.delete(callback);
    },
    removeLogs: async () => undefined,
    logPath,
    async close() {
      for (const { ending } of containers.values()) ending?.cancel();
    },
  };
  return runtime;
}

function endOrRefusal({ endOf }: SimulatedRuntimeOptions, config: ContainerConfig): ContainerEnd | undefined {
  try {
    return endOf(config);
  } catch (error) {
    throw new StartError(errorMessage(error), { cause: error });
  }
}
