import { errorMessage } from '../../base/index.ts';
import { type Container, configMaps, isNotFound, type Pod, type Stored, secrets } from '../../kube/index.ts';
import { type ContainerRecord, StartError } from '../runtime/index.ts';
import type { Attempt, Attempts, AttemptsByName } from './attempts.ts';
import { containerConfig, type PodVolume } from './container-config.ts';
import type { ProbeResults, Waiting } from './container-status.ts';
import type { PodDependencies } from './dependencies.ts';
import { resolveEnvironment } from './environment.ts';
import { containerFieldPath } from './names.ts';
import { runProbe } from './probe.ts';
import { type ProbeKind, Prober } from './prober.ts';

/** A container never has less than this between SIGTERM and SIGKILL, whatever was asked (minimumGracePeriodInSeconds). */
const MINIMUM_GRACE_SECONDS = 2;
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
    return this.#records().some(({ state }) => state === 'running');
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
      const container = containersOf(pod).find(({ name }) => name === record.containerName);
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

  /** Starts a container. Returns why it waits when it could not even be tried. */
  async start(
    pod: Stored<Pod>,
    container: Container,
    volumes: ReadonlyMap<string, PodVolume>,
    files: { readonly passwd: string; readonly resolvConf?: string },
  ): Promise<Waiting | undefined> {
    const { runtime, clock, hostIp } = this.#dependencies;
    const attempt = this.#nextAttempt(pod, container.name);
    let config: ReturnType<typeof containerConfig>;
    try {
      const environment = await this.#environment(pod, container);
      config = containerConfig({ pod, container, attempt, environment, volumes, podIp: hostIp, ...files });
    } catch (error) {
      this.#event(pod, container, 'Warning', 'Failed', `Error: ${errorMessage(error)}`);
      return { reason: 'CreateContainerConfigError', message: errorMessage(error) };
    }
    await this.#forgetBefore(container.name, attempt - 1);
    if (attempt === 0)
      this.#event(
        pod,
        container,
        'Normal',
        'HostRootFilesystem',
        `Container image ${JSON.stringify(container.image)} is not used: the container runs on ${runtime.rootDescription}`,
      );
    try {
      await runtime.start(config);
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
    return undefined;
  }

  /** Stops what runs, all at once; resolves when it has ended. Called again with less grace it hurries. */
  async stop(pod: Stored<Pod>, graceSeconds: number, announce: boolean): Promise<void> {
    const grace = Math.max(graceSeconds, MINIMUM_GRACE_SECONDS);
    const running = this.#records().filter(({ state }) => state === 'running');
    await Promise.all(
      running.map(async (record) => {
        const { containerName } = record;
        if (announce) this.#killing(pod, containerName, `Stopping container ${containerName}`);
        await this.#dependencies.runtime.stop(record.id, grace);
      }),
    );
  }

  /** Removes everything of ended containers, and the pod's logs. */
  async remove(pod: Stored<Pod>): Promise<void> {
    const { runtime } = this.#dependencies;
    for (const { id } of this.#records()) await runtime.remove(id);
    const { uid, name, namespace = '' } = pod.metadata;
    await runtime.removeLogs({ podUid: uid, podName: name, podNamespace: namespace });
  }

  #records(): readonly ContainerRecord[] {
    return this.#dependencies.runtime.containers(this.#podUid);
  }

  /** One more than what is remembered here or, if the node has lost its memory, in the API. */
  #nextAttempt(pod: Stored<Pod>, name: string): number {
    const known = this.attempts().get(name)?.current?.attempt;
    if (known !== undefined) return known + 1;
    const statuses = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
    const old = statuses.find((status) => status.name === name);
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
    const target = { runtime, network: host.network, containerId: record.id, podIp: hostIp };
    const prober = new Prober({
      clock,
      container,
      startedAtMs: record.startedAtMs,
      run: (probe) => runProbe(probe, container, target),
      changed: this.#changed,
      failed: (kind, output) =>
        this.#event(pod, container, 'Warning', 'Unhealthy', `${kind} probe failed: ${output}`),
      unhealthy: (kind) => this.#restart(pod, container, record, kind),
    });
    this.#probers.set(record.id, prober);
    prober.start();
    return prober;
  }

  #restart(pod: Stored<Pod>, container: Container, record: ContainerRecord, kind: ProbeKind): void {
    const { runtime, log } = this.#dependencies;
    const probe = kind === 'Startup' ? container.startupProbe : container.livenessProbe;
    const grace = probe?.terminationGracePeriodSeconds ?? pod.spec?.terminationGracePeriodSeconds ?? 30;
    const message = `Container ${container.name} failed ${kind.toLowerCase()} probe, will be restarted`;
    this.#killing(pod, container.name, message);
    runtime
      .stop(record.id, Math.max(grace, MINIMUM_GRACE_SECONDS))
      .catch((error) => log.warn('cannot stop an unhealthy container', { error: errorMessage(error) }));
  }

  #killing(pod: Stored<Pod>, name: string, message: string): void {
    const container = containersOf(pod).find((candidate) => candidate.name === name);
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

function containersOf(pod: Stored<Pod>): readonly Container[] {
  return [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])];
}
