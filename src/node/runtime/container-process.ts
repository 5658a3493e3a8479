import { join } from 'node:path';
import { type Clock, errorMessage, type Logger, type Timer } from '../../base/index.ts';
import type { Host, ProcessId } from '../../host/index.ts';
import { Attachments } from './attachments.ts';
import type { ContainerCgroups } from './container-cgroups.ts';
import { withInput } from './container-input.ts';
import type { ContainerRecord, ContainerSession } from './contract.ts';
import type { LogStream } from './log-format.ts';
import { LogWriter } from './log-writer.ts';
import { parseStatusFile, type StartStatus } from './status-file.ts';
import type { StoredContainer } from './stored-state.ts';
import { terminationMessage } from './termination-message.ts';

/** Output that somebody else holds open is waited for no longer than this once the container has ended. */
const DRAIN_LIMIT_MS = 2_000;
/** How often the shim of another agent is looked for, should it have been killed and so never tell of the end. */
const LIVENESS_POLL_MS = 5_000;
/** How often the status files are read although nothing has told of a change: an event may be lost. */
const STATUS_POLL_MS = 60_000;

export interface ContainerProcessOptions {
  readonly host: Host;
  readonly clock: Clock;
  readonly log: Logger;
  readonly directory: string;
  /** Where the scripts are. */
  readonly runtimeDirectory: string;
  readonly cgroups: ContainerCgroups;
  readonly stored: StoredContainer;
  readonly onExit: (record: ContainerRecord) => void;
}

/** One container: follows its status files, carries its output to its log, knows how it ended. */
export class ContainerProcess {
  readonly #options: ContainerProcessOptions;
  readonly #writer: LogWriter;
  readonly #ended = Promise.withResolvers<ContainerRecord>();
  readonly #pumps = new AbortController();
  readonly #attachments = new Attachments();
  #pumping: Promise<unknown> | undefined;
  #status: StartStatus = { started: false, errors: [] };
  #record: ContainerRecord;
  #unwatch: (() => void) | undefined;
  #poll: Timer | undefined;
  #spawned: ProcessId | undefined;
  #shimGone = false;
  /** Process numbers on disk are of this boot. */
  #sameBoot = true;
  #finishing = false;
  #closed = false;
  #looking: Promise<void> | undefined;
  #lookAgain = false;
  #onStatus: (() => void) | undefined;

  constructor(options: ContainerProcessOptions) {
    this.#options = options;
    const { stored } = options;
    this.#writer = new LogWriter(options.host.files, options.clock, stored.logPath);
    const { id, podUid, podNamespace, podName, containerName, attempt, image, imageId, logPath } = stored;
    const { uid, gid, supplementalGroups } = stored.security;
    const startedAtMs = stored.createdAtMs;
    this.#record = {
      id,
      podUid,
      podNamespace,
      podName,
      containerName,
      attempt,
      image,
      imageId,
      user: { uid, gid, supplementalGroups },
      logPath,
      state: 'running',
      startedAtMs,
      pid: 0,
    };
  }

  get record(): ContainerRecord {
    return this.#record;
  }

  get stored(): StoredContainer {
    return this.#options.stored;
  }

  get directory(): string {
    return this.#options.directory;
  }

  get status(): StartStatus {
    return this.#status;
  }

  /** The container's process 1, in the host's numbers. */
  get init(): ProcessId | undefined {
    return this.#status.init;
  }

  /** Resolves when the container has ended, its output is in the log and its record is final. */
  get ended(): Promise<ContainerRecord> {
    return this.#ended.promise;
  }

  openLog(): Promise<void> {
    return this.#writer.open();
  }

  /** Begins to follow the container's directory. */
  watch(): void {
    this.#unwatch = this.#options.host.files.watchDirectory(this.directory, () => this.look());
    this.#schedulePoll();
  }

  /** Whether it can be told what to run. */
  get isReady(): boolean {
    return this.#status.init !== undefined && !this.#finishing;
  }

  /** It has ended, or is about to. */
  get isOver(): boolean {
    return this.#finishing;
  }

  /** Resolves once `done` is true of it, or it is over, or at the deadline. */
  async waitFor(done: () => boolean, limitMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.#options.clock.after(limitMs, resolve);
    this.#onStatus = () => {
      if (done() || this.#finishing || this.#closed) resolve();
    };
    this.look();
    await promise;
    timer.cancel();
    this.#onStatus = undefined;
  }

  /** The shim is started: it may be ended before it has said anything itself. */
  shimStarted(shim: ProcessId): void {
    this.#spawned = shim;
  }

  /** The shim has ended: our child, so we know. */
  shimEnded(): void {
    this.#shimGone = true;
    this.look();
    if (!this.#poll) return;
    this.#poll.cancel();
    this.#schedulePoll();
  }

  /** Reads the status files; once more if something happens meanwhile. */
  look(): void {
    if (this.#looking) {
      this.#lookAgain = true;
      return;
    }
    this.#looking = this.#look()
      .catch((error) =>
        this.#options.log.warn('cannot read the state of a container', { error: errorMessage(error) }),
      )
      .finally(() => {
        this.#looking = undefined;
        if (this.#lookAgain) {
          this.#lookAgain = false;
          this.look();
        }
      });
  }

  /** Reads the status files, and resolves when that is done. */
  async lookNow(): Promise<void> {
    // What is under way may have read them before.
    await this.#looking;
    this.look();
    await this.#looking;
  }

  /** Looks at what an earlier agent left. `sameBoot`: process numbers in it can still mean something. */
  async adopt(sameBoot: boolean): Promise<void> {
    const { processes } = this.#options.host;
    this.#sameBoot = sameBoot;
    await this.lookNow();
    const { shim } = this.#status;
    if (shim && (await processes.isAlive(shim))) return;
    this.shimEnded();
    await this.#looking;
  }

  /** A session with the container's own streams, from now on. */
  attach(stdin: boolean): ContainerSession {
    const { streams = { stdin: 'none', tty: false } } = this.stored;
    const { files } = this.#options.host;
    const wanted = { ...streams, stdin: stdin ? streams.stdin : ('none' as const) };
    return withInput(this.#attachments.open(streams.tty), files, this.directory, wanted);
  }

  async signal(signal: NodeJS.Signals): Promise<void> {
    if (this.init) await this.#options.host.processes.kill(this.init, signal);
  }

  /** Ends everything of the container at once. */
  async destroy(): Promise<readonly ProcessId[]> {
    const { processes } = this.#options.host;
    await this.signal('SIGKILL');
    const shim = this.#status.shim ?? this.#spawned;
    // An unshare that has not made its child yet, or a tool of the shim, is in the shim's group.
    if (shim) await processes.kill(shim, 'SIGKILL', { group: true });
    // Of what has left the group meanwhile it is told there.
    await this.lookNow();
    await this.signal('SIGKILL');
    return [this.init, shim].filter((id) => id !== undefined);
  }

  /** Lets go of the container, which goes on. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#onStatus?.();
    this.#poll?.cancel();
    this.#unwatch?.();
    await this.#looking;
    this.#pumps.abort();
    this.#attachments.close();
    await this.#pumping;
    await this.#writer.close();
  }

  async #look(): Promise<void> {
    if (this.#finishing || this.#closed) return;
    const { files } = this.#options.host;
    const [status, exit] = await Promise.all([
      files.read(join(this.directory, 'status')).catch(() => ''),
      files.read(join(this.directory, 'exit')).catch(() => undefined),
    ]);
    if (this.#closed) return;
    const parsed = parseStatusFile(status);
    // Of an earlier boot: by now the numbers may be anybody's.
    this.#status = this.#sameBoot ? parsed : { ...parsed, shim: undefined, init: undefined };
    if (this.#status.started && !this.#pumping) await this.#begin();
    if (exit !== undefined) await this.#finish(Number.parseInt(exit, 10));
    else if (this.#shimGone) await this.#shimLost();
    this.#onStatus?.();
  }

  /** The program runs: its output flows. */
  async #begin(): Promise<void> {
    const { files } = this.#options.host;
    const changed = await files.stat(join(this.directory, 'status'));
    this.#record = {
      ...this.#record,
      pid: this.init?.pid ?? 0,
      startedAtMs: Math.floor(changed?.modifiedAtMs ?? this.#record.startedAtMs),
    };
    this.#pumping = Promise.all([this.#pump('stdout'), this.#pump('stderr')]);
  }

  async #pump(stream: LogStream): Promise<void> {
    const { host, log } = this.#options;
    try {
      for await (const chunk of host.files.readFifo(join(this.directory, stream), this.#pumps.signal)) {
        await this.#writer.write(stream, chunk).catch((error) =>
          // Held back, the container would stand still for a full disk.
          log.warn('output of a container is lost', {
            path: this.#record.logPath,
            error: errorMessage(error),
          }),
        );
        await this.#attachments.write(stream, chunk);
      }
    } catch (error) {
      log.warn('cannot read the output of a container', { id: this.#record.id, error: errorMessage(error) });
    }
  }

  async #finish(exitCode: number | undefined): Promise<void> {
    if (this.#finishing) return;
    this.#finishing = true;
    this.#poll?.cancel();
    this.#unwatch?.();
    const { host, clock } = this.#options;
    const exitFile = await host.files.stat(join(this.directory, 'exit'));
    const oomKilled = await this.#endCgroup();
    await this.#sweep();
    // The holder of the output ends, so its readers come to an end of file.
    if (this.#status.shim) await host.processes.kill(this.#status.shim, 'SIGKILL');
    const limit = clock.after(DRAIN_LIMIT_MS, () => {
      this.#pumps.abort();
      this.#attachments.close();
    });
    await this.#pumping;
    limit.cancel();
    this.#attachments.close();
    await this.#writer.close();
    const message = await terminationMessage(host.files, {
      path: join(this.directory, 'termination-log'),
      logPath: this.stored.terminationMessageFromLog && exitCode !== 0 ? this.#record.logPath : undefined,
    });
    this.#record = {
      ...this.#record,
      state: 'exited',
      exitCode,
      ...(oomKilled && { oomKilled }),
      finishedAtMs: Math.floor(exitFile?.modifiedAtMs ?? clock.now()),
      message,
    };
    this.#onStatus?.();
    if (this.#status.started) this.#options.onExit(this.#record);
    this.#ended.resolve(this.#record);
  }

  /**
   * Ends what is left in the container's control group and removes it. Whether the kernel ran out of its memory is noted first:
   * only the group knows.
   */
  async #endCgroup(): Promise<boolean> {
    const { cgroups, stored, host } = this.#options;
    if (!stored.cgroup) return false;
    const note = join(this.directory, 'oom-killed');
    const oomKilled =
      (await cgroups.wasOomKilled(stored.cgroup)) || (await host.files.stat(note)) !== undefined;
    if (oomKilled) await host.files.append(note, '');
    if (this.#sameBoot) await cgroups.remove(stored.cgroup);
    return oomKilled;
  }

  /** Ends what a container that shares a PID namespace has left in it: its first process takes nobody along. */
  async #sweep(): Promise<void> {
    const { pid = 'own' } = this.stored.namespaces ?? {};
    const { mountNamespace } = this.#status;
    if (pid === 'own' || mountNamespace === undefined || !this.#sameBoot) return;
    const { host, runtimeDirectory, log } = this.#options;
    const { exitCode, stderr } = await host.processes.exec('perl', [
      join(runtimeDirectory, 'enter.pl'),
      'sweep',
      mountNamespace,
    ]);
    if (exitCode !== 0) log.warn('processes of a container are left', { id: this.#record.id, error: stderr });
  }

  /** Somebody killed the shim. The container's process 1 dies with it as a rule; if not, its end is waited for. */
  async #shimLost(): Promise<void> {
    const { init } = this.#status;
    if (init && (await this.#options.host.processes.isAlive(init))) return;
    await this.#finish(undefined);
  }

  #schedulePoll(lookedAtMs = this.#options.clock.monotonic()): void {
    const { clock } = this.#options;
    const isOurs = this.#spawned !== undefined && !this.#shimGone;
    this.#poll = clock.after(
      // Our own child's end we are told of.
      isOurs ? STATUS_POLL_MS : LIVENESS_POLL_MS,
      () =>
        void this.#isShimGone().then((gone) => {
          if (this.#closed || this.#finishing) return;
          this.#shimGone ||= gone;
          const now = clock.monotonic();
          const isTime = gone || now - lookedAtMs >= STATUS_POLL_MS;
          if (isTime) this.look();
          this.#schedulePoll(isTime ? now : lookedAtMs);
        }),
      { unref: true },
    );
  }

  async #isShimGone(): Promise<boolean> {
    if (this.#shimGone || this.#spawned) return this.#shimGone;
    const { shim } = this.#status;
    return shim !== undefined && !(await this.#options.host.processes.isAlive(shim));
  }
}
