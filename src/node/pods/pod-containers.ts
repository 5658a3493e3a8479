import { errorMessage } from '../../base/index.ts';
import {
  type Container,
  configMaps,
  containerOf,
  containerStatusesOf,
  type EphemeralContainer,
  isNotFound,
  type Pod,
  type Stored,
  secrets,
} from '../../kube/index.ts';
import {
  type ContainerConfig,
  type ContainerNamespaces,
  type ContainerRecord,
  StartError,
} from '../runtime/index.ts';
import type { Attempt, Attempts, AttemptsByName } from './attempts.ts';
import { containerConfig, type HostFiles, type PodVolume, sandboxConfig } from './container-config.ts';
import type { ProbeResults, Waiting } from './container-status.ts';
import type { PodDependencies } from './dependencies.ts';
import { ensureImage } from './ensure-image.ts';
import { resolveEnvironment } from './environment.ts';
import { type HookTarget, runHook } from './lifecycle-hook.ts';
import { containerFieldPath, formatPod } from './names.ts';
import { runProbe } from './probe.ts';
import { type ProbeKind, Prober } from './prober.ts';
import { restartsWhenUnhealthy } from './restart-policy.ts';
import { stopContainers } from './stop-containers.ts';
import { prepareSubpaths } from './subpaths.ts';
import { terminationOrder } from './termination-order.ts';

/** No container of a pod can be called so: theirs are names in small letters. */
const SANDBOX = 'POD';
/** The exit code of a program that could not be started (OCI runtimes). */
const START_FAILED_EXIT_CODE = 128;

/** The containers of one pod: their attempts, their probes, their start and their end. */
export class PodContainers {
  readonly #dependencies: PodDependencies;
  readonly #podUid: string;
  /** Something that bears on the pod's status has happened. */
  readonly #changed: () => void;
  readonly #failedStarts = new Map<string, Attempt>();
  readonly #probers = new Map<string, Prober>();
  /** Containers whose preStop hook has been begun. */
  readonly #hooked = new Set<string>();
  /** Aborts when those that are being stopped have to hurry. */
  #hurry = new AbortController();

  constructor(dependencies: PodDependencies, podUid: string, changed: () => void) {
    this.#dependencies = dependencies;
    this.#podUid = podUid;
    this.#changed = changed;
  }

  /** The last two attempts at each container. */
  attempts(): AttemptsByName {
    const lists = new Map<string, Attempt[]>();
    const add = (name: string, attempt: Attempt) => lists.set(name, [...(lists.get(name) ?? []), attempt]);
    for (const record of this.#records()) add(record.containerName, record);
    for (const [name, attempt] of this.#failedStarts) add(name, attempt);
    const byName = new Map<string, Attempts>();
    for (const [name, list] of lists) {
      const [current, previous] = list.sort((a, b) => b.attempt - a.attempt);
      byName.set(name, { current, previous });
    }
    return byName;
  }

  get anyRunning(): boolean {
    return this.#all().some(({ state }) => state === 'running');
  }

  /** What the probes say of the containers that run; begins to probe those that it does not yet. */
  probe(pod: Stored<Pod>): ProbeResults {
    const started = new Set<string>();
    const ready = new Set<string>();
    const running = this.#records().filter(({ state }) => state === 'running');
    for (const [id, prober] of this.#probers) {
      if (running.some((record) => record.id === id)) continue;
      prober.stop();
      this.#probers.delete(id);
    }
    for (const record of running) {
      const container = containerOf(pod, record.containerName);
      if (!container) continue;
      const prober = this.#probers.get(record.id) ?? this.#startProber(pod, container, record);
      if (prober.started) started.add(container.name);
      if (prober.ready) ready.add(container.name);
    }
    return { started, ready };
  }

  stopProbes(): void {
    for (const prober of this.#probers.values()) prober.stop();
    this.#probers.clear();
  }

  /** Starts a container. Returns why it waits when it could not be tried, or was ended at once. */
  async start(
    pod: Stored<Pod>,
    container: Container,
    volumes: ReadonlyMap<string, PodVolume>,
    files: HostFiles,
  ): Promise<Waiting | undefined> {
    const { runtime, clock, hostIp, images } = this.#dependencies;
    const attempt = this.#nextAttempt(pod, container.name);
    const { image, waiting, events } = await ensureImage(container, images);
    for (const { type, reason, message } of events) this.#event(pod, container, type, reason, message);
    if (waiting) return waiting;
    let config: ContainerConfig;
    try {
      const [environment, pid] = await Promise.all([
        this.#environment(pod, container),
        this.#processNamespace(pod, container),
      ]);
      const subpaths = await prepareSubpaths(this.#dependencies, pod, container, volumes, environment);
      const input = { pod, container, attempt, environment, volumes, subpaths, podIp: hostIp, image, pid };
      config = containerConfig({ ...input, ...files });
    } catch (error) {
      this.#event(pod, container, 'Warning', 'Failed', `Error: ${errorMessage(error)}`);
      return { reason: 'CreateContainerConfigError', message: errorMessage(error) };
    }
    await this.#forgetBefore(container.name, attempt - 1);
    if (attempt === 0 && !image)
      this.#event(
        pod,
        container,
        'Normal',
        'HostRootFilesystem',
        `Container image ${JSON.stringify(container.image)} is not used: the container runs on ${runtime.rootDescription}`,
      );
    let record: ContainerRecord;
    try {
      record = await runtime.start(config);
    } catch (error) {
      if (!(error instanceof StartError)) throw error;
      const now = clock.now();
      this.#failedStarts.set(container.name, {
        id: '',
        attempt,
        state: 'exited',
        startedAtMs: now,
        finishedAtMs: now,
        exitCode: START_FAILED_EXIT_CODE,
        message: error.message,
        startFailed: true,
      });
      this.#event(pod, container, 'Warning', 'Failed', `Error: ${error.message}`);
      return undefined;
    }
    this.#event(pod, container, 'Normal', 'Created', 'Container created');
    this.#event(pod, container, 'Normal', 'Started', 'Container started');
    return this.#postStart(pod, container, record);
  }

  /** Stops what runs, in the order of its end; resolves when it has ended. Called again with less grace it hurries. */
  async stop(pod: Stored<Pod>, graceSeconds: number, announce: boolean): Promise<void> {
    this.#hurry.abort();
    this.#hurry = new AbortController();
    const running = this.#records().filter(({ state }) => state === 'running');
    if (announce)
      for (const { containerName } of running)
        this.#killing(pod, containerName, `Stopping container ${containerName}`);
    await this.#stop(pod, running, graceSeconds, terminationOrder(pod));
    const { runtime } = this.#dependencies;
    await Promise.all(
      this.#all()
        .filter(({ state, containerName }) => state === 'running' && containerName === SANDBOX)
        .map(({ id }) => runtime.stop(id, 0)),
    );
  }

  /** Removes everything of ended containers, and the pod's logs. */
  async remove(pod: Stored<Pod>): Promise<void> {
    const { runtime } = this.#dependencies;
    for (const { id } of this.#all()) await runtime.remove(id);
    const { uid, name, namespace = '' } = pod.metadata;
    await runtime.removeLogs({ podUid: uid, podName: name, podNamespace: namespace });
  }

  #stop(
    pod: Stored<Pod>,
    records: readonly ContainerRecord[],
    graceSeconds: number,
    order: ReadonlyMap<string, readonly string[]> = new Map(),
  ): Promise<void> {
    const { runtime, clock } = this.#dependencies;
    const stoppings = records.map((record) => ({
      name: record.containerName,
      preStop: this.#preStop(pod, record),
      stop: (seconds: number) => runtime.stop(record.id, seconds),
    }));
    return stopContainers(clock, stoppings, graceSeconds, order, this.#hurry.signal);
  }

  /** Once for each container, however often it is stopped. */
  #preStop(pod: Stored<Pod>, record: ContainerRecord): (() => Promise<void>) | undefined {
    const container = containerOf(pod, record.containerName);
    const handler = container?.lifecycle?.preStop;
    if (!container || !handler || this.#hooked.has(record.id)) return undefined;
    return async () => {
      this.#hooked.add(record.id);
      try {
        await runHook(handler, pod, container, this.#hookTarget(record), this.#hurry.signal);
      } catch (error) {
        if (this.#hurry.signal.aborted) return;
        this.#dependencies.log.info('a preStop hook failed', { error: errorMessage(error) });
        // Its words stay out of the event: they may hold secrets.
        this.#event(pod, container, 'Warning', 'FailedPreStopHook', 'PreStopHook failed');
      }
    };
  }

  async #postStart(
    pod: Stored<Pod>,
    container: Container,
    record: ContainerRecord,
  ): Promise<Waiting | undefined> {
    const handler = container.lifecycle?.postStart;
    if (!handler) return undefined;
    try {
      await runHook(handler, pod, container, this.#hookTarget(record));
      return undefined;
    } catch (error) {
      this.#event(pod, container, 'Warning', 'FailedPostStartHook', 'PostStartHook failed');
      this.#killing(pod, container.name, 'FailedPostStartHook');
      await this.#stop(pod, [record], this.#graceOf(pod));
      return { reason: 'PostStartHookError', message: errorMessage(error) };
    }
  }

  #hookTarget({ id }: ContainerRecord): HookTarget {
    const { clock, runtime, host, hostIp } = this.#dependencies;
    return { clock, runtime, network: host.network, containerId: id, podIp: hostIp };
  }

  /** Whose processes a container sees. */
  async #processNamespace(pod: Stored<Pod>, container: Container): Promise<ContainerNamespaces['pid']> {
    if (pod.spec?.hostPID) return 'host';
    if (pod.spec?.shareProcessNamespace) return { container: await this.#sandbox(pod) };
    const { targetContainerName: target } = container as EphemeralContainer;
    if (!target) return 'own';
    const found = this.#records().find(
      (record) => record.containerName === target && record.state === 'running',
    );
    if (!found) throw new Error(`unable to find target container ${target}`);
    return { container: found.id };
  }

  /** The container that holds the PID namespace which a pod's containers share; made when there is none. */
  async #sandbox(pod: Stored<Pod>): Promise<string> {
    const { runtime } = this.#dependencies;
    const old = this.#all().filter(({ containerName }) => containerName === SANDBOX);
    const running = old.find(({ state }) => state === 'running');
    if (running) return running.id;
    for (const { id } of old) await runtime.remove(id);
    return (await runtime.start(sandboxConfig(pod, SANDBOX))).id;
  }

  /** With the one that holds the namespaces. */
  #all(): readonly ContainerRecord[] {
    return this.#dependencies.runtime.containers(this.#podUid);
  }

  #records(): readonly ContainerRecord[] {
    return this.#all().filter(({ containerName }) => containerName !== SANDBOX);
  }

  /** One more than what is remembered here or, if the node has lost its memory, in the API. */
  #nextAttempt(pod: Stored<Pod>, name: string): number {
    const known = this.attempts().get(name)?.current?.attempt;
    if (known !== undefined) return known + 1;
    const old = containerStatusesOf(pod).find((status) => status.name === name);
    return old?.containerID || old?.lastState?.terminated ? old.restartCount + 1 : (old?.restartCount ?? 0);
  }

  /** Only the last attempt is kept beside the present one (MaxPerPodContainer). */
  async #forgetBefore(name: string, attempt: number): Promise<void> {
    const { runtime, host } = this.#dependencies;
    for (const record of this.#records()) {
      if (record.containerName !== name || record.attempt >= attempt) continue;
      await runtime.remove(record.id);
      await host.files.removeFile(record.logPath);
    }
  }

  #environment(pod: Stored<Pod>, container: Container): Promise<Map<string, string>> {
    const { client, nodeName, hostIp, allocatable, services } = this.#dependencies;
    const { namespace } = pod.metadata;
    return resolveEnvironment(
      pod,
      container,
      { nodeName, hostIp, podIp: hostIp, allocatable: allocatable() },
      {
        configMap: (name) => client.get(configMaps, { namespace, name }),
        secret: (name) => client.get(secrets, { namespace, name }),
        services,
        isAbsent: isNotFound,
      },
    );
  }

  #startProber(pod: Stored<Pod>, container: Container, record: ContainerRecord): Prober {
    const { clock, runtime, host, hostIp } = this.#dependencies;
    const containerId = record.id;
    const target = { runtime, network: host.network, containerId, podIp: hostIp, pod: formatPod(pod) };
    const prober = new Prober({
      clock,
      container,
      startedAtMs: record.startedAtMs,
      run: (probe) => runProbe(probe, container, target),
      changed: this.#changed,
      failed: (kind, { result, output }) => {
        const failed = result === 'error' ? 'errored and resulted in unknown state' : 'failed';
        this.#event(pod, container, 'Warning', 'Unhealthy', `${kind} probe ${failed}: ${output}`);
      },
      unhealthy: (kind) => this.#restart(pod, container, record, kind),
    });
    this.#probers.set(record.id, prober);
    prober.start();
    return prober;
  }

  #restart(pod: Stored<Pod>, container: Container, record: ContainerRecord, kind: ProbeKind): void {
    const { log } = this.#dependencies;
    const probe = kind === 'Startup' ? container.startupProbe : container.livenessProbe;
    const grace = pod.metadata.deletionGracePeriodSeconds ?? probe?.terminationGracePeriodSeconds;
    this.#killing(pod, container.name, unhealthyMessage(pod, container, kind));
    this.#stop(pod, [record], grace ?? this.#graceOf(pod)).catch((error) =>
      log.warn('cannot stop an unhealthy container', { error: errorMessage(error) }),
    );
  }

  #graceOf({ metadata, spec }: Stored<Pod>): number {
    return metadata.deletionGracePeriodSeconds ?? spec?.terminationGracePeriodSeconds ?? 30;
  }

  #killing(pod: Stored<Pod>, name: string, message: string): void {
    const container = containerOf(pod, name);
    if (container) this.#event(pod, container, 'Normal', 'Killing', message);
  }

  #event(
    pod: Stored<Pod>,
    container: Container,
    type: 'Normal' | 'Warning',
    reason: string,
    message: string,
  ): void {
    const { apiVersion, kind, metadata } = pod;
    const { namespace, name, uid, resourceVersion } = metadata;
    const fieldPath = containerFieldPath(pod, container.name);
    const subject = { apiVersion, kind, namespace, name, uid, resourceVersion, fieldPath };
    this.#dependencies.recorder.event(subject, type, reason, message);
  }
}

/** The kubelet's words (computePodActions, computeInitContainerActions). */
function unhealthyMessage(pod: Pod, container: Container, kind: ProbeKind): string {
  const failed = `ontainer ${container.name} failed ${kind.toLowerCase()} probe`;
  if (pod.spec?.initContainers?.includes(container as never)) return `Init c${failed}`;
  return `C${failed}${restartsWhenUnhealthy(pod, container) ? ', will be restarted' : ''}`;
}
