import { errorMessage } from '../../base/index.ts';
import type { Container, Pod, Stored } from '../../kube/index.ts';
import type { ContainerRecord } from '../runtime/index.ts';
import type { AttemptsByName } from './attempts.ts';
import type { HostFiles, PodVolume } from './container-config.ts';
import { ContainerEvents } from './container-events.ts';
import { ContainerHistory } from './container-history.ts';
import { ContainerStarter } from './container-starter.ts';
import type { ProbeResults, Waiting } from './container-status.ts';
import { ContainerStopper } from './container-stopper.ts';
import type { PodDependencies } from './dependencies.ts';
import { hookTarget, runHook } from './lifecycle-hook.ts';
import { PodProbes } from './pod-probes.ts';
import type { ProbeKind } from './prober.ts';
import { restartsWhenUnhealthy } from './restart-policy.ts';
import { terminationOrder } from './termination-order.ts';

/** The containers of one pod: their attempts, their probes, their start and their end. */
export class PodContainers {
  readonly #dependencies: PodDependencies;
  readonly #events: ContainerEvents;
  readonly #history: ContainerHistory;
  readonly #probes: PodProbes;
  readonly #starter: ContainerStarter;
  readonly #stopper: ContainerStopper;

  /** @param changed something that bears on the pod's status has happened */
  constructor(dependencies: PodDependencies, podUid: string, changed: () => void) {
    this.#dependencies = dependencies;
    this.#events = new ContainerEvents(dependencies.recorder);
    this.#history = new ContainerHistory(dependencies, podUid);
    this.#starter = new ContainerStarter(dependencies, this.#history, this.#events);
    this.#stopper = new ContainerStopper(dependencies, this.#events);
    this.#probes = new PodProbes({
      dependencies,
      podUid,
      events: this.#events,
      changed,
      unhealthy: (pod, container, record, kind) => this.#restart(pod, container, record, kind),
    });
  }

  /** The last two attempts at each container. */
  attempts(): AttemptsByName {
    return this.#history.attempts();
  }

  get anyRunning(): boolean {
    return this.#history.all().some(({ state }) => state === 'running');
  }

  /** What the probes say of the containers that run; begins to probe those that it does not yet. */
  probe(pod: Stored<Pod>): ProbeResults {
    return this.#probes.results(pod, this.#history.running());
  }

  stopProbes(): void {
    this.#probes.stop();
  }

  /** Begins what of the starts needs no volumes. */
  async prepare(pod: Stored<Pod>, containers: readonly Container[], files: HostFiles): Promise<void> {
    await Promise.all(containers.map((container) => this.#starter.prepare(pod, container, files)));
  }

  /** Resolves when nothing is left of what was begun and not started. */
  discardPrepared(): Promise<void> {
    return this.#starter.discardPrepared();
  }

  /** Starts a container. Returns why it waits when it could not be tried, or was ended at once. */
  async start(
    pod: Stored<Pod>,
    container: Container,
    volumes: ReadonlyMap<string, PodVolume>,
    files: HostFiles,
  ): Promise<Waiting | undefined> {
    const { record, waiting } = await this.#starter.start(pod, container, volumes, files);
    return record ? this.#postStart(pod, container, record) : waiting;
  }

  /** Stops what runs, in the order of its end; resolves when it has ended. Called again with less grace it hurries. */
  async stop(pod: Stored<Pod>, graceSeconds: number, announce: boolean): Promise<void> {
    this.#stopper.hurry();
    await this.#starter.discardPrepared();
    const running = this.#history.running();
    if (announce)
      for (const { containerName } of running)
        this.#events.killing(pod, containerName, `Stopping container ${containerName}`);
    await this.#stopper.stop(pod, running, graceSeconds, terminationOrder(pod));
    const { runtime } = this.#dependencies;
    const sandboxes = this.#history.sandboxes().filter(({ state }) => state === 'running');
    await Promise.all(sandboxes.map(({ id }) => runtime.stop(id, 0)));
  }

  /** Removes everything of ended containers, and the pod's logs. */
  remove(pod: Stored<Pod>): Promise<void> {
    return this.#history.remove(pod);
  }

  async #postStart(
    pod: Stored<Pod>,
    container: Container,
    record: ContainerRecord,
  ): Promise<Waiting | undefined> {
    const handler = container.lifecycle?.postStart;
    if (!handler) return undefined;
    try {
      await runHook(handler, pod, container, hookTarget(this.#dependencies, record.id));
      return undefined;
    } catch (error) {
      this.#events.tell(pod, container, 'Warning', 'FailedPostStartHook', 'PostStartHook failed');
      this.#events.killing(pod, container.name, 'FailedPostStartHook');
      await this.#stopper.stop(pod, [record], graceOf(pod));
      return { reason: 'PostStartHookError', message: errorMessage(error) };
    }
  }

  #restart(pod: Stored<Pod>, container: Container, record: ContainerRecord, kind: ProbeKind): void {
    const { log } = this.#dependencies;
    const probe = kind === 'Startup' ? container.startupProbe : container.livenessProbe;
    const grace = pod.metadata.deletionGracePeriodSeconds ?? probe?.terminationGracePeriodSeconds;
    this.#events.killing(pod, container.name, unhealthyMessage(pod, container, kind));
    this.#stopper
      .stop(pod, [record], grace ?? graceOf(pod))
      .catch((error) => log.warn('cannot stop an unhealthy container', { error: errorMessage(error) }));
  }
}

function graceOf({ metadata, spec }: Stored<Pod>): number {
  return metadata.deletionGracePeriodSeconds ?? spec?.terminationGracePeriodSeconds ?? 30;
}

/** The kubelet's words (computePodActions, computeInitContainerActions). */
function unhealthyMessage(pod: Pod, container: Container, kind: ProbeKind): string {
  const failed = `ontainer ${container.name} failed ${kind.toLowerCase()} probe`;
  if (pod.spec?.initContainers?.includes(container as never)) return `Init c${failed}`;
  return `C${failed}${restartsWhenUnhealthy(pod, container) ? ', will be restarted' : ''}`;
}
