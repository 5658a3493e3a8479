import { errorMessage } from '../../base/index.ts';
import type { Container, EphemeralContainer, Pod, Stored } from '../../kube/index.ts';
import { mountImage } from '../../volume/plugins/image/index.ts';
import type { LoadedImage } from '../images/index.ts';
import {
  type ContainerConfig,
  type ContainerNamespaces,
  type ContainerRecord,
  StartError,
} from '../runtime/index.ts';
import {
  containerConfig,
  containerSetup,
  type HostFiles,
  type PodVolume,
  sandboxConfig,
} from './container-config.ts';
import type { ContainerEvents } from './container-events.ts';
import { type ContainerHistory, SANDBOX } from './container-history.ts';
import type { Waiting } from './container-status.ts';
import type { PodDependencies } from './dependencies.ts';
import { ensureImage, failedFor } from './ensure-image.ts';
import { resolveEnvironment } from './environment.ts';
import { environmentSources } from './environment-sources.ts';
import { missingImage } from './image-volumes.ts';
import { Preparations } from './preparations.ts';
import { prepareSubpaths } from './subpaths.ts';

/** Starts containers of one pod. Steps, reasons and words: kubelet, startContainer (kuberuntime_container.go). */
export class ContainerStarter {
  readonly #dependencies: PodDependencies;
  readonly #history: ContainerHistory;
  readonly #events: ContainerEvents;
  readonly #preparations: Preparations;

  constructor(dependencies: PodDependencies, history: ContainerHistory, events: ContainerEvents) {
    this.#dependencies = dependencies;
    this.#history = history;
    this.#events = events;
    this.#preparations = new Preparations(dependencies.runtime);
  }

  /** Begins what of a start needs no volumes. What stands in its way is told by the start. */
  async prepare(pod: Stored<Pod>, container: Container, files: HostFiles): Promise<void> {
    // It may have to wait for another container, whose processes would see it wait.
    if (sharesProcesses(pod, container)) return;
    try {
      const { image, waiting } = await ensureImage(container, this.#dependencies.images);
      if (waiting) return;
      const attempt = this.#history.nextAttempt(pod, container.name);
      this.#preparations.add(containerSetup({ ...this.#place(), ...files, pod, container, attempt, image }));
    } catch {
      // A spec that cannot be met.
    }
  }

  /** Resolves when nothing is left of what was begun and not started. */
  discardPrepared(): Promise<void> {
    return this.#preparations.discard();
  }

  /** Resolves to what runs; or to why it waits when it could not be tried; to nothing when it was tried in vain. */
  async start(
    pod: Stored<Pod>,
    container: Container,
    volumes: ReadonlyMap<string, PodVolume>,
    files: HostFiles,
  ): Promise<{ readonly record?: ContainerRecord; readonly waiting?: Waiting }> {
    const { runtime, clock, images } = this.#dependencies;
    const { name } = container;
    const missing = missingImage(container, volumes);
    if (missing) {
      const { type, reason, message } = failedFor(missing);
      this.#events.tell(pod, container, type, reason, message);
      return { waiting: missing };
    }
    const attempt = this.#history.nextAttempt(pod, name);
    const { image, waiting, events } = await ensureImage(container, images);
    for (const { type, reason, message } of events) this.#events.tell(pod, container, type, reason, message);
    if (waiting) return { waiting };
    let config: ContainerConfig;
    try {
      config = await this.#config(pod, container, attempt, volumes, files, image);
    } catch (error) {
      const message = errorMessage(error);
      this.#events.tell(pod, container, 'Warning', 'Failed', `Error: ${message}`);
      return { waiting: { reason: 'CreateContainerConfigError', message } };
    }
    await this.#history.forgetBefore(name, attempt - 1);
    if (attempt === 0 && !image) {
      const instead = `is not used: the container runs on ${runtime.rootDescription}`;
      const message = `Container image ${JSON.stringify(container.image)} ${instead}`;
      this.#events.tell(pod, container, 'Normal', 'HostRootFilesystem', message);
    }
    let record: ContainerRecord;
    try {
      const { command, environment, mounts, ...setup } = config;
      const prepared = await this.#preparations.take(setup);
      record = await (prepared?.start({ command, environment, mounts }) ?? runtime.start(config));
    } catch (error) {
      if (!(error instanceof StartError)) throw error;
      this.#history.noteFailedStart(name, attempt, clock.now(), error.message);
      this.#events.tell(pod, container, 'Warning', 'Failed', `Error: ${error.message}`);
      return {};
    }
    this.#events.tell(pod, container, 'Normal', 'Created', 'Container created');
    this.#events.tell(pod, container, 'Normal', 'Started', 'Container started');
    return { record };
  }

  /** @throws Error, fit for the waiting reason CreateContainerConfigError, when the spec cannot be met. */
  async #config(
    pod: Stored<Pod>,
    container: Container,
    attempt: number,
    volumes: ReadonlyMap<string, PodVolume>,
    files: HostFiles,
    image: LoadedImage | undefined,
  ): Promise<ContainerConfig> {
    const { nodeName, hostIp, allocatable } = this.#dependencies;
    const place = { nodeName, hostIp, podIp: hostIp, allocatable: allocatable() };
    const sources = environmentSources(this.#dependencies, pod, volumes);
    const pid = await this.#processNamespace(pod, container);
    const environment = await resolveEnvironment(pod, container, place, sources);
    await this.#mountImages(container, volumes);
    const subpaths = await prepareSubpaths(this.#dependencies, pod, container, volumes, environment);
    const input = { pod, container, attempt, environment, volumes, subpaths, image, pid };
    return containerConfig({ ...this.#place(), ...files, ...input });
  }

  async #mountImages(
    { volumeMounts = [] }: Container,
    volumes: ReadonlyMap<string, PodVolume>,
  ): Promise<void> {
    for (const { name } of volumeMounts) {
      const { image, hostPath = '' } = volumes.get(name) ?? {};
      if (image?.image) await mountImage(this.#dependencies.host, image.image.root, hostPath);
    }
  }

  /** What the node has for its containers. */
  #place() {
    const { hostIp, host, podPidsLimit } = this.#dependencies;
    return { podIp: hostIp, machineBytes: host.info().memoryBytes, podPidsLimit };
  }

  /** Whose processes a container sees. */
  async #processNamespace(pod: Stored<Pod>, container: Container): Promise<ContainerNamespaces['pid']> {
    if (pod.spec?.hostPID) return 'host';
    if (pod.spec?.shareProcessNamespace) return { container: await this.#sandbox(pod) };
    const { targetContainerName: target } = container as EphemeralContainer;
    if (!target) return 'own';
    const found = this.#history.running().find(({ containerName }) => containerName === target);
    if (!found) throw new Error(`unable to find target container ${target}`);
    return { container: found.id };
  }

  /** The container that holds the PID namespace which a pod's containers share; made when there is none. */
  async #sandbox(pod: Stored<Pod>): Promise<string> {
    const { runtime } = this.#dependencies;
    const old = this.#history.sandboxes();
    const running = old.find(({ state }) => state === 'running');
    if (running) return running.id;
    for (const { id } of old) await runtime.remove(id);
    return (await runtime.start(sandboxConfig(pod, SANDBOX))).id;
  }
}

/** Whether a container has processes in sight that are not its own. */
function sharesProcesses({ spec }: Stored<Pod>, container: Container): boolean {
  return Boolean(
    spec?.hostPID || spec?.shareProcessNamespace || (container as EphemeralContainer).targetContainerName,
  );
}
