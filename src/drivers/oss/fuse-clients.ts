import { type Clock, errorMessage, type Logger, sleep } from '../../base/index.ts';
import { Code, CsiStatus } from '../../csi/index.ts';
import type { Host, ProcessId } from '../../host/index.ts';
import { unmountAll } from '../shared/mounted.ts';
import { handleOf } from '../shared/names.ts';
import { RecordStore } from '../shared/record-store.ts';
import type { Mounter, MountPlan } from './mounters/index.ts';
import { mounterOf, UPLOAD_NOTES } from './mounters/index.ts';
import { pendingUploads } from './pending-uploads.ts';
import { parseStaging, type Staging } from './staging.ts';

/** How often is looked whether a mount has come, or a process has gone: nobody tells. */
const LOOK_EVERY_MS = 20;
const LOOK_FOR_UPLOADS_EVERY_MS = 100;
/** A client that serves nothing after so long has failed. */
const START_LIMIT_MS = 60_000;
/** A client answers for the root of its mount within this. */
const PROBE_LIMIT_MS = 20_000;
/** A client that is unmounted ends within this, or is ended. */
const END_GRACE_MS = 5_000;
/** How long is waited for uploads, where the caller does not give up before. */
const UPLOAD_LIMIT_MS = 100_000;
const MAX_LOG_IN_MESSAGE = 600;

export interface FuseClientsOptions {
  /** What must be known after a restart, what clients log, and what they keep of files that are being written. */
  readonly stateDir: string;
  readonly host: Host;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * The FUSE clients of a node: a process for each volume that is staged. They outlive the driver, which knows them again
 * when it is started anew, and they need it for nothing.
 */
export class FuseClients {
  readonly #options: FuseClientsOptions;
  readonly #records: RecordStore<Staging>;
  readonly #installed = new Set<string>();
  /** Mount points whose client is expected to end. */
  readonly #ending = new Set<string>();

  private constructor(options: FuseClientsOptions, records: RecordStore<Staging>) {
    this.#options = options;
    this.#records = records;
  }

  /** @throws Error if the directory cannot be had, or holds a record that cannot be read. */
  static async open(options: FuseClientsOptions): Promise<FuseClients> {
    const { stateDir, host, log } = options;
    const records = await RecordStore.open({ files: host.files, directory: stateDir, parse: parseStaging });
    const clients = new FuseClients(options, records);
    for (const staging of records.all()) {
      const { volumeId, path, pid } = staging;
      if (await clients.isServing(staging))
        log.info('a volume is served by the client of before', { volumeId, pid });
      else log.warn('the FUSE client of a volume has ended', { volumeId, path });
    }
    return clients;
  }

  at(path: string): Staging | undefined {
    return this.#records.get(idOf(path));
  }

  all(): readonly Staging[] {
    return this.#records.all();
  }

  of(volumeId: string): readonly Staging[] {
    return this.#records.all().filter((staging) => staging.volumeId === volumeId);
  }

  /** Whether its client lives, and is what is mounted there. */
  async isServing(staging: Staging): Promise<boolean> {
    if (!(await this.#isAlive(staging))) return false;
    const mounts = await this.#options.host.mounts.list();
    const mount = mounts.findLast(({ target }) => target === staging.path);
    return mount?.fsType === mounterOf(staging.mounter).fsType;
  }

  /** Resolves once the file system at a path has answered. */
  async probe(path: string, signal?: AbortSignal): Promise<void> {
    // By another process: one that does not answer would hold a thread of this one.
    const { exitCode, stderr } = await this.#options.host.processes.exec('stat', ['--', path], {
      timeoutMs: PROBE_LIMIT_MS,
      ...(signal && { signal }),
    });
    if (exitCode !== 0) throw new Error(stderr.trim());
  }

  /**
   * Starts a client; resolves once it serves. What was mounted at the path before is taken away.
   * @throws CsiStatus that says what the client said. Nothing of it is left then.
   */
  async start(
    mounter: Mounter,
    plan: Omit<MountPlan, 'scratch'>,
    about: Pick<Staging, 'volumeId' | 'asked'>,
    signal: AbortSignal,
  ): Promise<void> {
    const { host } = this.#options;
    const { path } = plan;
    await this.#checkInstalled(mounter);
    await this.stop(path, signal);
    await host.files.makeDirectory(path, 0o750);
    const { scratch, logFile } = this.#placesOf(path);
    await host.files.makeDirectory(scratch, 0o700);
    await host.files.write(logFile, '', 0o600);
    const exit: { ended?: true } = {};
    const { args, env } = mounter.commandLine({ ...plan, scratch });
    const { command } = mounter;
    let record: Staging | undefined;
    try {
      await host.processes.spawn({
        command,
        args,
        env,
        stdoutPath: logFile,
        stderrPath: logFile,
        // Before it runs: one that is not in the records would serve for ever, and nobody would end it.
        before: async ({ pid, startTicks }) => {
          record = { ...about, path, mounter: mounter.name, pid, startTicks: `${startTicks}` };
          await this.#records.put(idOf(path), record);
        },
        onExit: (exitCode) => {
          exit.ended = true;
          if (this.#ending.has(path)) return;
          const { volumeId } = about;
          this.#options.log.warn('the FUSE client of a volume has ended', {
            volumeId,
            path,
            command,
            exitCode,
          });
        },
      });
      await this.#untilServing(record!, exit, signal);
    } catch (error) {
      const said = await this.#logOf(path);
      if (record) await this.#abandon(record);
      else await this.#clear(path);
      signal.throwIfAborted();
      const why = said === '' ? errorMessage(error) : said;
      throw new CsiStatus(Code.INTERNAL, `${command} cannot mount volume ${about.volumeId}: ${why}`, {
        cause: error,
      });
    }
  }

  /**
   * Unmounts, and resolves once the client has ended and everything that was written is in the bucket. Nothing there is
   * fine.
   * @throws CsiStatus UNAVAILABLE while there is something to be uploaded; it goes on meanwhile.
   */
  async stop(path: string, signal: AbortSignal): Promise<void> {
    const { host } = this.#options;
    this.#ending.add(path);
    try {
      const staging = this.at(path);
      // Before: what a client has not heard of yet when it is unmounted, it never hears of.
      if (staging) await this.#uploaded(staging, signal);
      await unmountAll(host, path);
      if (staging) await this.#end(staging);
      else await this.#clear(path);
    } finally {
      this.#ending.delete(path);
    }
  }

  /** Waits until a client that lives has uploaded everything. */
  async #uploaded(staging: Staging, signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const since = clock.monotonic();
    while (await this.#isAlive(staging)) {
      const pending = await this.#pending(staging);
      if (pending === 0) return;
      if (clock.monotonic() - since > UPLOAD_LIMIT_MS)
        throw new CsiStatus(
          Code.UNAVAILABLE,
          `volume ${staging.volumeId}: ${staging.mounter} has ${pending} files still to upload`,
        );
      await sleep(clock, LOOK_FOR_UPLOADS_EVERY_MS, signal);
    }
  }

  /** Ends a client that does not serve. */
  async #abandon(staging: Staging): Promise<void> {
    const { host } = this.#options;
    this.#ending.add(staging.path);
    try {
      await unmountAll(host, staging.path);
      await host.processes.kill(processOf(staging), 'SIGTERM', { group: true });
      await this.#end(staging);
    } finally {
      this.#ending.delete(staging.path);
    }
  }

  /** Waits for the mount, and for its first answer. */
  async #untilServing(staging: Staging, exit: { ended?: true }, signal: AbortSignal): Promise<void> {
    const { host, clock } = this.#options;
    const { path } = staging;
    const since = clock.monotonic();
    while (!(await host.mounts.isMountPoint(path))) {
      if (exit.ended) throw new Error('it ended at once');
      if (clock.monotonic() - since > START_LIMIT_MS)
        throw new Error(`nothing was mounted within ${START_LIMIT_MS / 1000} s`);
      await sleep(clock, LOOK_EVERY_MS, signal);
    }
    await this.probe(path, signal);
    if (!(await this.isServing(staging))) throw new Error('it ended at once');
  }

  /**
   * Waits for a client to end that has nothing to do any more, or ends it, and takes away what is left of it. What it
   * could not upload stays, for the next one at the same path.
   */
  async #end(staging: Staging): Promise<void> {
    const { host, clock, log } = this.#options;
    const { path, volumeId } = staging;
    const process = processOf(staging);
    const since = clock.monotonic();
    while (await this.#isAlive(staging)) {
      const waitedMs = clock.monotonic() - since;
      // It may be held by a mount in another namespace.
      const signal = waitedMs > 2 * END_GRACE_MS ? 'SIGKILL' : 'SIGTERM';
      if (waitedMs > END_GRACE_MS) await host.processes.kill(process, signal, { group: true });
      if (waitedMs > 3 * END_GRACE_MS)
        throw new CsiStatus(Code.INTERNAL, `process ${staging.pid} of volume ${volumeId} cannot be ended`);
      await sleep(clock, LOOK_EVERY_MS);
    }
    // One that was about to serve when it was unmounted may have begun since.
    await unmountAll(host, path);
    const pending = await this.#clear(path);
    if (pending > 0)
      log.warn('files of a volume were not uploaded; they are when it is staged again', {
        volumeId,
        pending,
        scratch: this.#placesOf(path).scratch,
      });
    await this.#records.remove(idOf(path));
  }

  /** Takes away the files of a client that has ended, or has never run, but for what is to be uploaded still: so many. */
  async #clear(path: string): Promise<number> {
    const { files } = this.#options.host;
    const { scratch, logFile } = this.#placesOf(path);
    // Of any client: the volume may have been staged with another one before.
    const counts = await Promise.all(UPLOAD_NOTES.map((notes) => this.#pendingBy(path, notes)));
    const pending = counts.reduce((sum, count) => sum + count, 0);
    if (pending === 0) await files.removeTree(scratch);
    await files.removeFile(logFile);
    return pending;
  }

  #isAlive(staging: Staging): Promise<boolean> {
    return this.#options.host.processes.isAlive(processOf(staging));
  }

  /** How many files a client has still to upload. */
  async #pending({ path, mounter }: Staging): Promise<number> {
    const { uploadNotes } = mounterOf(mounter);
    return uploadNotes === undefined ? 0 : this.#pendingBy(path, uploadNotes);
  }

  #pendingBy(path: string, uploadNotes: string): Promise<number> {
    return pendingUploads(this.#options.host.files, `${this.#placesOf(path).scratch}/${uploadNotes}`);
  }

  async #checkInstalled({ command, packageName }: Mounter): Promise<void> {
    if (this.#installed.has(command)) return;
    try {
      await this.#options.host.processes.exec(command, ['--version']);
      this.#installed.add(command);
    } catch (error) {
      throw new CsiStatus(
        Code.FAILED_PRECONDITION,
        `${command} is not on this node: apt-get install ${packageName}, or name another mounter in the class (${errorMessage(error)})`,
        { cause: error },
      );
    }
  }

  /** The end of what a client has said. */
  async #logOf(path: string): Promise<string> {
    const text = await this.#options.host.files.read(this.#placesOf(path).logFile).catch(() => '');
    return text.trim().slice(-MAX_LOG_IN_MESSAGE).replaceAll('\n', '; ');
  }

  #placesOf(path: string): { scratch: string; logFile: string } {
    const base = `${this.#options.stateDir}/${idOf(path)}`;
    return { scratch: `${base}.files`, logFile: `${base}.log` };
  }
}

function idOf(path: string): string {
  return handleOf(path, 'at');
}

function processOf({ pid, startTicks }: Staging): ProcessId {
  return { pid, startTicks: BigInt(startTicks) };
}
