import { join } from 'node:path';
import { backoffDelay, errorMessage, type Span, sleep, type Timer } from '../../base/index.ts';
import {
  type Container,
  containerOf,
  isBeingDeleted,
  isConflict,
  isNotFound,
  isPodTerminal,
  type Pod,
  pods,
  type Stored,
} from '../../kube/index.ts';
import { podDirectory, VolumeAttachLimitExceededError } from '../../volume/index.ts';
import { activeDeadlineIn, DEADLINE_EXCEEDED, type Evicted, rejected } from './active-deadline.ts';
import type { AttemptsByName } from './attempts.ts';
import type { HostFiles, PodVolume } from './container-config.ts';
import type { Waiting } from './container-status.ts';
import { CrashLoop } from './crash-loop.ts';
import { decide } from './decide.ts';
import type { PodDependencies } from './dependencies.ts';
import { type Ending, soonerEnding } from './ending.ts';
import { readHostFiles } from './host-files.ts';
import { ImageVolumes } from './image-volumes.ts';
import { isNews, MountFailures } from './mount-failures.ts';
import { formatPod } from './names.ts';
import { PodContainers } from './pod-containers.ts';
import { podDns } from './pod-dns.ts';
import { podStatus } from './pod-status.ts';
import { beginStep } from './pod-trace.ts';
import { RETRY } from './retry.ts';
import { StatusWriter } from './status-writer.ts';

/** A pod that runs sooner is not first said to be creating its containers. */
const CREATING_STATUS_AFTER_MS = 250;
const DEFAULT_GRACE_SECONDS = 30;
/** What was made ready outlives a try to mount that fails sooner: it does not wait for ever (enter.pl, ORDER_SECONDS). */
const PREPARED_LIMIT_MS = 10_000;
/** Who fills the node's disk is not given time (immediateEvictionGracePeriodSeconds). */
const EVICTION_GRACE_SECONDS = 1;

/**
 * Brings one pod to life and to its end: the kubelet's syncPod, syncTerminatingPod and syncTerminatedPod. One thing at
 * a time; `update`, `remove` and `stop` say what has changed.
 */
export class PodWorker {
  readonly #dependencies: PodDependencies;
  readonly #containers: PodContainers;
  readonly #crashLoop: CrashLoop;
  readonly #mountFailures = new MountFailures();
  readonly #imageVolumes: ImageVolumes;
  readonly #status: StatusWriter;
  /** The worker's whole life. */
  readonly #signal: AbortSignal;
  /** Aborted when there is nothing more to start. */
  readonly #starting = new AbortController();
  readonly #onVolumeUse: () => void;
  #pod: Stored<Pod>;
  #ending: Ending | undefined;
  #terminated = false;
  #volumes: ReadonlyMap<string, PodVolume> | undefined;
  #waiting = new Map<string, Waiting>();
  #evicted: Evicted | undefined;
  #graceLimit = Number.POSITIVE_INFINITY;
  #runSpan: Span | undefined;
  #failures = 0;
  /** How often in a row a container could not be tried. */
  #vainStarts = 0;
  #woken = Promise.withResolvers<void>();

  /** Resolves when nothing is left to do for the pod, or the signal aborts. Never rejects. */
  readonly done: Promise<void>;

  /** @param onVolumeUse called when `mayUseVolumes` has changed */
  constructor(dependencies: PodDependencies, pod: Stored<Pod>, signal: AbortSignal, onVolumeUse: () => void) {
    this.#dependencies = dependencies;
    this.#pod = pod;
    this.#signal = signal;
    this.#onVolumeUse = onVolumeUse;
    this.#containers = new PodContainers(dependencies, pod.metadata.uid, () => this.wake());
    this.#crashLoop = new CrashLoop(dependencies.recorder);
    this.#imageVolumes = new ImageVolumes(dependencies);
    this.#status = new StatusWriter(dependencies.client);
    const wake = () => {
      this.#starting.abort(signal.reason);
      this.wake();
    };
    signal.addEventListener('abort', wake, { once: true });
    this.#begin(pod);
    this.done = this.#run().finally(() => {
      signal.removeEventListener('abort', wake);
      this.#containers.stopProbes();
    });
  }

  get pod(): Stored<Pod> {
    return this.#pod;
  }

  /** Whether containers run, or may still be started. */
  get mayUseVolumes(): boolean {
    return !this.#terminated || this.#containers.anyRunning;
  }

  wake(): void {
    this.#woken.resolve();
  }

  update(pod: Stored<Pod>): void {
    this.#pod = pod;
    this.#begin(pod);
    this.wake();
  }

  /** The pod has gone from the API without us. */
  remove(): void {
    const { deletionGracePeriodSeconds } = this.#pod.metadata;
    this.#end({ graceSeconds: deletionGracePeriodSeconds ?? this.#specGrace(), silent: true });
  }

  /** The node stops: containers end, the API object stays as it is. */
  stop(graceSeconds: number): void {
    this.#end({ graceSeconds: Math.min(graceSeconds, this.#specGrace()), silent: true });
  }

  /** Nothing of the pod is run any more, and it fails: it takes more of the node than it may. */
  evict(why: string): void {
    this.#evict({ reason: 'Evicted', message: why }, 'Warning');
    this.#graceLimit = EVICTION_GRACE_SECONDS;
    this.wake();
  }

  #begin(pod: Stored<Pod>): void {
    if (!isBeingDeleted(pod)) return;
    const graceSeconds = pod.metadata.deletionGracePeriodSeconds ?? this.#specGrace();
    this.#end({ graceSeconds, silent: false });
  }

  #specGrace(): number {
    const grace = this.#pod.spec?.terminationGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS;
    return Math.min(grace, this.#graceLimit);
  }

  #end(ending: Ending): void {
    const before = this.#ending;
    const hurry = before !== undefined && ending.graceSeconds < before.graceSeconds;
    this.#ending = soonerEnding(before, ending);
    this.#starting.abort(new Error('the pod is being stopped'));
    if (hurry && !this.#terminated)
      void this.#containers.stop(this.#pod, ending.graceSeconds, false).catch(() => undefined);
    this.wake();
  }

  async #run(): Promise<void> {
    while (!this.#signal.aborted) {
      this.#woken = Promise.withResolvers();
      const delayMs = await this.#step();
      if (delayMs === 'done') return;
      if (delayMs === 0) continue;
      await this.#pause(delayMs);
    }
  }

  /** Waits until something happens, or the delay has passed. */
  async #pause(delayMs: number | undefined): Promise<void> {
    let timer: Timer | undefined;
    if (delayMs !== undefined)
      timer = this.#dependencies.clock.after(delayMs, () => this.#woken.resolve(), { unref: true });
    await this.#woken.promise;
    timer?.cancel();
  }

  /** One look at the pod. Returns after how many milliseconds to look again if nothing happens before. */
  async #step(): Promise<number | undefined | 'done'> {
    try {
      let next: number | undefined | 'done';
      if (this.#ending) next = await this.#terminate();
      else if (!this.#terminated) next = await this.#sync();
      // It may not have been heard the first time.
      else if (!isPodTerminal(this.#pod)) await this.#writeStatus();
      this.#failures = 0;
      return next;
    } catch (error) {
      if (this.#signal.aborted) return undefined;
      if (this.#ending && this.#starting.signal.reason === error) return 0;
      this.#failures++;
      const { log } = this.#dependencies;
      log.warn(`pod ${formatPod(this.#pod)} failed; trying again`, { error: errorMessage(error) });
      return backoffDelay(RETRY, this.#failures);
    }
  }

  async #sync(): Promise<number | undefined> {
    const attempts = this.#containers.attempts();
    const over = isPodTerminal(this.#pod);
    const deadlineInMs = over ? undefined : activeDeadlineIn(this.#pod, this.#dependencies.clock.now());
    if (deadlineInMs !== undefined && deadlineInMs <= 0) this.#evict(DEADLINE_EXCEEDED);
    const next = await this.#syncContainers(over || this.#evicted !== undefined, attempts);
    if (deadlineInMs === undefined || this.#terminated) return next;
    return Math.min(next ?? deadlineInMs, deadlineInMs);
  }

  /** Nothing is run any more, whatever the restart policy says. */
  #evict(why: Evicted, type: 'Normal' | 'Warning' = 'Normal'): void {
    if (this.#evicted) return;
    this.#evicted = why;
    this.#dependencies.recorder.event(this.#pod, type, why.reason, why.message);
  }

  async #syncContainers(over: boolean, attempts: AttemptsByName): Promise<number | undefined> {
    const probes = this.#containers.probe(this.#pod);
    const actions = decide(this.#pod, attempts, probes.started);
    if (over || actions.finished) {
      await this.#containers.stop(this.#pod, this.#specGrace(), true);
      this.#release();
      if (!isPodTerminal(this.#pod)) await this.#writeStatus();
      return undefined;
    }
    if (actions.start.length === 0) {
      this.#waiting.clear();
      this.#runSpan?.ok();
      this.#runSpan = undefined;
      await this.#writeStatus();
      return undefined;
    }
    const files = await readHostFiles(this.#dependencies.host, this.#pod);
    for (const { reason, message } of podDns(this.#pod, files.resolvConf).warnings)
      this.#dependencies.recorder.event(this.#pod, 'Warning', reason, message);
    if (!this.#volumes) {
      const failed = await this.#prepareAndWait(actions.start, files);
      if (failed !== undefined) return failed;
    }
    try {
      const names = actions.start.map(({ name }) => name);
      return await this.#startContainers(names, files);
    } finally {
      await this.#containers.discardPrepared();
    }
  }

  /** Makes the containers ready while their volumes are on their way. As `#waitForVolumes`. */
  async #prepareAndWait(containers: readonly Container[], files: HostFiles): Promise<number | undefined> {
    const { clock } = this.#dependencies;
    const beganAtMs = clock.monotonic();
    const preparing = this.#mountFailures.last
      ? this.#containers.discardPrepared()
      : this.#containers.prepare(this.#pod, containers, files);
    try {
      return await this.#waitForVolumes();
    } finally {
      await preparing;
      if (!this.#volumes && clock.monotonic() - beganAtMs > PREPARED_LIMIT_MS)
        await this.#containers.discardPrepared();
    }
  }

  /** A delay when the volumes are not there; `undefined` when they are. */
  async #waitForVolumes(): Promise<number | undefined> {
    const { clock, host, volumes, recorder, nodeRoot, trace, nodeName } = this.#dependencies;
    const { signal } = this.#starting;
    const timer = clock.after(CREATING_STATUS_AFTER_MS, () => {
      if (!this.#ending) void this.#writeStatus().catch(() => undefined);
    });
    try {
      for (const name of ['volumes', 'plugins'])
        await host.files.makeDirectory(join(podDirectory(nodeRoot, this.#pod.metadata.uid), name), 0o750);
      this.#volumes = await volumes.waitForAttachAndMount(this.#pod, signal);
      this.#mountFailures.forget();
      if (this.#containers.attempts().size === 0)
        this.#runSpan ??= beginStep(trace, 'run', this.#pod, nodeName);
      return undefined;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof VolumeAttachLimitExceededError) {
        const reason = 'VolumeAttachmentLimitExceeded';
        recorder.event(this.#pod, 'Warning', reason, error.message);
        this.#evicted = rejected(reason, error.message);
        return 0;
      }
      const delayMs = this.#mountFailures.add(clock.now());
      if (this.#mountFailures.last) {
        this.#tellNotMounted(error);
        await this.#writeStatus();
      }
      await sleep(clock, delayMs, signal);
      return 0;
    } finally {
      timer.cancel();
    }
  }

  #tellNotMounted(error: unknown): void {
    const message = `Unable to attach or mount volumes: ${errorMessage(error)}`;
    if (isNews(error)) this.#dependencies.recorder.event(this.#pod, 'Warning', 'FailedMount', message);
    else this.#dependencies.log.warn(message, { pod: formatPod(this.#pod) });
  }

  async #startContainers(names: readonly string[], files: HostFiles): Promise<number | undefined> {
    const { clock } = this.#dependencies;
    let again: number | undefined;
    const lookAgain = (delayMs: number) => {
      again = Math.min(again ?? delayMs, delayMs);
    };
    const volumes = await this.#imageVolumes.find(this.#pod, this.#volumes ?? new Map());
    let startedOne = false;
    for (const name of names) {
      this.#starting.signal.throwIfAborted();
      const pod = this.#pod;
      const container = containerOf(pod, name)!;
      const ended = this.#containers.attempts().get(name)?.current;
      const held = this.#crashLoop.hold(pod, name, ended, clock.now());
      if (held) {
        this.#waiting.set(name, held.waiting);
        lookAgain(held.remainingMs);
        continue;
      }
      const waiting = await this.#containers.start(pod, container, volumes, files);
      if (waiting) {
        this.#waiting.set(name, waiting);
        lookAgain(Math.max(1_000, backoffDelay(RETRY, ++this.#vainStarts)));
        this.#runSpan?.fail(waiting.message ?? waiting.reason);
        this.#runSpan = undefined;
      } else {
        this.#waiting.delete(name);
        this.#vainStarts = 0;
        startedOne = true;
      }
    }
    // What has just started may let others start; that look also writes the status.
    if (startedOne) return 0;
    await this.#writeStatus();
    return again;
  }

  /** Containers end, then the status says so, volumes go, and last the API object. */
  async #terminate(): Promise<'done' | number> {
    const { volumes, client, trace, nodeName } = this.#dependencies;
    this.#runSpan?.fail('the pod is being stopped');
    this.#runSpan = undefined;
    this.#containers.stopProbes();
    const ending = this.#ending!;
    if (!this.#terminated || this.#containers.anyRunning) {
      const span = beginStep(trace, 'stop', this.#pod, nodeName);
      try {
        await this.#containers.stop(this.#pod, ending.graceSeconds, true);
        span.ok();
      } catch (error) {
        span.fail(errorMessage(error));
        throw error;
      }
    }
    this.#release();
    const written = this.#ending!.silent || this.#isTold() ? undefined : this.#writeStatus();
    await Promise.all([written, volumes.waitForUnmount(this.#pod, this.#signal)]);
    await Promise.all([this.#containers.remove(this.#pod), volumes.removePodDirectory(this.#pod)]);
    // Last of all: once the object is gone, nothing of the pod is left on the node.
    const { namespace, name, uid } = this.#pod.metadata;
    if (!this.#ending!.silent) {
      try {
        const options = { gracePeriodSeconds: 0, preconditions: { uid } };
        await client.delete(pods, { namespace, name }, options);
      } catch (error) {
        if (!isNotFound(error) && !isConflict(error)) throw error;
      }
    }
    return 'done';
  }

  /** The API knows how it ended, and here nobody does any more: an earlier life came so far. */
  #isTold(): boolean {
    return isPodTerminal(this.#pod) && this.#containers.attempts().size === 0;
  }

  /** Nothing will be started any more: the volumes may go. */
  #release(): void {
    if (this.#terminated) return;
    this.#terminated = true;
    this.#waiting.clear();
    this.#onVolumeUse();
  }

  async #writeStatus(): Promise<void> {
    const { clock, hostIp } = this.#dependencies;
    const status = podStatus(this.#pod, {
      attempts: this.#containers.attempts(),
      waiting: this.#waiting,
      probes: this.#containers.probe(this.#pod),
      sandboxReady: this.#volumes !== undefined,
      terminal: this.#terminated,
      evicted: this.#evicted,
      hostIp,
      nowMs: clock.now(),
    });
    await this.#status.write(this.#pod, status);
  }
}
