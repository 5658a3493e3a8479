import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path';
import {
  type Clock,
  errorMessage,
  type Logger,
  type Random,
  TimeoutError,
  withDeadline,
} from '../../base/index.ts';
import { type ExecResult, type Host, untilGone } from '../../host/index.ts';
import { prepareBaseDirectory } from './base-directory.ts';
import { ContainerCgroups } from './container-cgroups.ts';
import { ContainerCommands } from './container-commands.ts';
import { allMounts, fillContainerDirectory, type RuntimePlaces } from './container-directory.ts';
import { ContainerProcess } from './container-process.ts';
import {
  type ContainerConfig,
  type ContainerRecord,
  type ContainerSession,
  type ContainerSetup,
  type PodIdentity,
  type PodUsage,
  type PreparedContainer,
  type Runtime,
  type SessionOptions,
  StartError,
} from './contract.ts';
import { startOrder } from './program.ts';
import type { RootMode } from './root-plan.ts';
import { identityArguments } from './security.ts';
import { streamsArgument } from './session.ts';
import { readStored, type StoredContainer, storedContainer } from './stored-state.ts';

const START_LIMIT_MS = 60_000;
/** How long killed processes may take to be gone. */
const KILL_LIMIT_MS = 30_000;
const DEFAULT_SCRATCH_BYTES = 256 * 1024 * 1024;

export interface LinuxRuntimeOptions {
  readonly host: Host;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Scripts and the state of containers. Its own, below the node's root. */
  readonly directory: string;
  /** Logs are at `LOG_ROOT/pods/NAMESPACE_NAME_UID/CONTAINER/ATTEMPT.log`. */
  readonly logRoot: string;
  /** Paths of the host that no container may see: the node's root, the API server's data. */
  readonly masked?: readonly string[];
  /** What a container may write outside its volumes, in memory. @default 256 MiB */
  readonly scratchBytes?: number;
}

/** Containers as processes in namespaces of their own, on the host's root file system. */
export class LinuxRuntime implements Runtime {
  readonly #options: LinuxRuntimeOptions;
  readonly #containers = new Map<string, ContainerProcess>();
  /** Those that are made ready, and do not count yet. */
  readonly #prepared = new Set<ContainerProcess>();
  /** Those that are being made: their processes may be about to be started. */
  readonly #making = new Set<Promise<ContainerProcess>>();
  readonly #listeners = new Set<(record: ContainerRecord) => void>();
  readonly #cgroups: ContainerCgroups;
  readonly #commands: ContainerCommands;
  #mode: RootMode = 'overlay';

  constructor(options: LinuxRuntimeOptions) {
    this.#options = options;
    const { host, clock, log, directory } = options;
    this.#cgroups = new ContainerCgroups({ host, clock, log, name: cgroupName(directory) });
    this.#commands = new ContainerCommands({ host, directory });
  }

  get rootDescription(): string {
    return this.#mode === 'overlay'
      ? "the host's root file system, read-only under an overlay in memory"
      : "the host's root file system, read-only (no overlay on this kernel; /tmp and /run are in memory)";
  }

  async open(): Promise<void> {
    const { host, directory, masked = [] } = this.#options;
    this.#mode = await prepareBaseDirectory(host, directory, [...masked, directory]);
    await this.#cgroups.open();
    for (const id of await host.files.list(join(directory, 'containers'))) await this.#adopt(id);
    await this.#cgroups.removeUnknown(new Set(this.#containers.keys()));
  }

  async start(config: ContainerConfig): Promise<ContainerRecord> {
    if (config.command.length === 0)
      throw new StartError(
        "no command specified: the host's root file system has no entrypoint; set command",
      );
    return this.#run(await this.#make(config), config);
  }

  prepare(setup: ContainerSetup): PreparedContainer {
    const made = this.#make(setup).catch((error) => {
      const container = setup.containerName;
      this.#options.log.debug('cannot make a container ready', { container, error: errorMessage(error) });
      return undefined;
    });
    return {
      start: async (program) => {
        const config = { ...setup, ...program };
        const container = await made;
        await container?.lookNow();
        if (container && !container.isOver && program.command.length > 0) return this.#run(container, config);
        // It says why, if it cannot be made now either.
        if (container) await this.#discard(container);
        return this.start(config);
      },
      discard: async () => {
        const container = await made;
        if (container) await this.#discard(container).catch((error) => this.#left(container, error));
      },
    };
  }

  containers(podUid?: string): readonly ContainerRecord[] {
    const records = [...this.#containers.values()].map((container) => container.record);
    return podUid === undefined ? records : records.filter((record) => record.podUid === podUid);
  }

  usage(podUid: string): Promise<PodUsage | undefined> {
    const ofPod = [...this.#containers.values()].filter(({ record }) => record.podUid === podUid);
    return this.#cgroups.usage(ofPod.map(({ stored }) => stored));
  }

  async stop(id: string, graceSeconds: number): Promise<ContainerRecord> {
    const container = this.#get(id);
    if (container.record.state === 'exited') return container.record;
    const { clock } = this.#options;
    await container.signal('SIGTERM');
    try {
      return await withDeadline(clock, graceSeconds * 1000, `end of ${id}`, container.ended);
    } catch (error) {
      if (!(error instanceof TimeoutError)) throw error;
    }
    // Process 1 takes its whole PID namespace with it.
    await container.signal('SIGKILL');
    return withDeadline(clock, KILL_LIMIT_MS, `end of ${id} after SIGKILL`, container.ended);
  }

  async remove(id: string): Promise<void> {
    const container = this.#containers.get(id);
    if (!container) return;
    if (container.record.state !== 'exited')
      throw new Error(`remove container ${id}: it is running; stop it first`);
    await this.#options.host.files.removeTree(container.directory);
    this.#containers.delete(id);
    this.#commands.forget(id);
    await this.#removeCgroup(container.stored);
  }

  async exec(id: string, command: readonly string[], options: { timeoutMs: number }): Promise<ExecResult> {
    return this.#commands.exec(this.#get(id), command, options);
  }

  async session(id: string, command: readonly string[], options: SessionOptions): Promise<ContainerSession> {
    return this.#commands.session(this.#get(id), command, options);
  }

  async attach(id: string, { stdin } = { stdin: false }): Promise<ContainerSession> {
    const container = this.#get(id);
    if (container.record.state !== 'running') throw new Error(`attach to container ${id}: it is not running`);
    return container.attach(stdin);
  }

  onExit(callback: (record: ContainerRecord) => void): () => void {
    this.#listeners.add(callback);
    return () => this.#listeners.delete(callback);
  }

  async removeLogs(pod: PodIdentity): Promise<void> {
    await this.#options.host.files.removeTree(dirname(dirname(this.logPath(pod, 'x', 0))));
  }

  logPath(pod: PodIdentity, containerName: string, attempt: number): string {
    const podDirectory = `${pod.podNamespace}_${pod.podName}_${pod.podUid}`;
    return join(this.#options.logRoot, 'pods', podDirectory, containerName, `${attempt}.log`);
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#making);
    await Promise.all(
      [...this.#prepared].map((container) =>
        this.#discard(container).catch((error) => this.#left(container, error)),
      ),
    );
    await Promise.all([...this.#containers.values()].map((container) => container.close()));
    await this.#cgroups.close();
    this.#containers.clear();
    this.#listeners.clear();
  }

  /** A container that waits to be told its volumes and its program. */
  #make(setup: ContainerSetup): Promise<ContainerProcess> {
    const making = this.#makeNow(setup);
    this.#making.add(making);
    const made = () => this.#making.delete(making);
    making.then(made, made);
    return making;
  }

  async #makeNow(setup: ContainerSetup): Promise<ContainerProcess> {
    const { host, clock, random } = this.#options;
    const id = `${random.uuid()}${random.uuid()}`.replaceAll('-', '');
    const directory = this.#directoryOf(id);
    const cgroup = await this.#cgroups.create(setup, id).catch((error) => {
      throw new StartError(`cannot make the control group: ${errorMessage(error)}`, { cause: error });
    });
    const stored = storedContainer(setup, {
      id,
      cgroup,
      bootId: host.info().bootId,
      logPath: this.logPath(setup, setup.containerName, setup.attempt),
      createdAtMs: clock.now(),
    });
    const container = this.#follow(directory, stored);
    this.#prepared.add(container);
    try {
      const sharedPid = this.#sharedPid(setup);
      await fillContainerDirectory(host.files, this.#places, directory, setup, stored, sharedPid);
      await container.openLog();
      const shim = await host.processes.spawn({
        command: '/bin/sh',
        args: this.#shimArguments(directory, setup),
        onExit: () => container.shimEnded(),
      });
      container.shimStarted(shim);
      return container;
    } catch (error) {
      throw await this.#failed(container, error);
    }
  }

  async #run(container: ContainerProcess, config: ContainerConfig): Promise<ContainerRecord> {
    const { files } = this.#options.host;
    const { directory } = container;
    const { id } = container.stored;
    this.#prepared.delete(container);
    this.#containers.set(id, container);
    try {
      container.watch();
      const [mounts] = await Promise.all([
        allMounts(files, this.#places, directory, config),
        container.isReady || container.waitFor(() => container.isReady, START_LIMIT_MS),
      ]);
      // Whoever has ended meanwhile does not read it: the FIFO goes with its directory.
      const order = container.isReady ? files.writeFifo(join(directory, 'order')) : undefined;
      order?.on('error', () => undefined).end(startOrder(mounts, config));
      await container.waitFor(() => container.status.started, START_LIMIT_MS);
      order?.destroy();
      if (!container.status.started) throw new StartError(startFailure(container));
    } catch (error) {
      throw await this.#failed(container, error);
    }
    this.#commands.remember(id, config.environment);
    return container.record;
  }

  /** Takes away what is left of a start that has failed. */
  async #failed(container: ContainerProcess, error: unknown): Promise<StartError> {
    await this.#discard(container);
    return error instanceof StartError ? error : new StartError(errorMessage(error), { cause: error });
  }

  #left({ stored }: ContainerProcess, error: unknown): void {
    this.#options.log.warn('something is left of a container that was not started', {
      id: stored.id,
      container: stored.containerName,
      error: errorMessage(error),
    });
  }

  get #places(): RuntimePlaces {
    const { host, directory, scratchBytes = DEFAULT_SCRATCH_BYTES } = this.#options;
    return { directory, mode: this.#mode, scratchBytes, rootless: host.info().rootless };
  }

  #get(id: string): ContainerProcess {
    const container = this.#containers.get(id);
    if (!container) throw new Error(`container ${id}: not found`);
    return container;
  }

  #directoryOf(id: string): string {
    return join(this.#options.directory, 'containers', id);
  }

  #follow(directory: string, stored: StoredContainer): ContainerProcess {
    const { host, clock, log, directory: runtimeDirectory } = this.#options;
    return new ContainerProcess({
      host,
      clock,
      log,
      directory,
      runtimeDirectory,
      cgroups: this.#cgroups,
      stored,
      onExit: (record) => {
        for (const listener of this.#listeners) listener(record);
      },
    });
  }

  #shimArguments(directory: string, config: ContainerSetup): string[] {
    const { directory: runtime } = this.#options;
    const { stdin = 'none', tty = false } = config.streams ?? {};
    return [
      join(runtime, 'shim.sh'),
      directory,
      runtime,
      config.workingDir,
      String(config.security.readOnlyRootFilesystem),
      streamsArgument({ stdin: stdin !== 'none', tty }),
      ...identityArguments(config.security),
    ];
  }

  /** The process whose PID namespace a container is to join. */
  #sharedPid({ namespaces }: ContainerSetup): number | undefined {
    const { pid } = namespaces ?? {};
    if (typeof pid !== 'object') return undefined;
    const { record } = this.#get(pid.container);
    if (record.state !== 'running') throw new StartError(`container ${pid.container} is not running`);
    return record.pid;
  }

  /** Ends and removes a container that never ran, or of which too little is known. */
  async #discard(container: ContainerProcess): Promise<void> {
    const { clock, host } = this.#options;
    this.#containers.delete(container.stored.id);
    this.#prepared.delete(container);
    for (const id of await container.destroy()) await untilGone(host.processes, clock, id);
    await container.close();
    await host.files.removeTree(container.directory);
    await this.#removeCgroup(container.stored);
  }

  /** Removes what is left of a container's control group, and its pod's with the last of the pod. */
  async #removeCgroup({ podUid, cgroup }: StoredContainer): Promise<void> {
    if (!cgroup) return;
    await this.#cgroups.remove(cgroup);
    // One that only holds a PID namespace has no group.
    const others = [...this.#containers.values(), ...this.#prepared].filter(
      ({ stored }) => stored.podUid === podUid,
    );
    if (!others.some(({ stored }) => stored.cgroup)) await this.#cgroups.removePod(podUid, cgroup);
  }

  /** Takes over what an earlier agent started. */
  async #adopt(id: string): Promise<void> {
    const { host, log } = this.#options;
    const directory = this.#directoryOf(id);
    const stored = await readStored(host.files, directory);
    if (!stored) {
      // Its agent ended before the shim was started.
      await host.files.removeTree(directory);
      return;
    }
    const container = this.#follow(directory, stored);
    this.#containers.set(id, container);
    await this.#cgroups.adopt(stored);
    container.watch();
    await container.adopt(stored.bootId === host.info().bootId);
    if (container.status.started) return;
    // Its agent ended in the middle of the start: the program may never have been handed over.
    log.info('discarding a container whose start was interrupted', { id, container: stored.containerName });
    await this.#discard(container);
  }
}

function startFailure({ record, status }: ContainerProcess): string {
  // The words are runc's.
  if (record.oomKilled) return 'container init was OOM-killed (memory limit too low?)';
  return status.errors.join('; ') || 'no answer';
}

/** One for each directory: runtimes that share a machine must not take each other's groups for left behind. */
function cgroupName(directory: string): string {
  return `stowage-${createHash('sha256').update(directory).digest('hex').slice(0, 12)}`;
}
