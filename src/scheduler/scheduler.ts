import { errorMessage, rfc3339 } from '../base/index.ts';
import type { Component, ComponentContext, EventRecorder, Informer } from '../client/index.ts';
import { Informers } from '../client/index.ts';
import {
  DEFAULT_SCHEDULER,
  isBeingDeleted,
  isNotFound,
  type Pod,
  type PodCondition,
  pods,
  type Stored,
} from '../kube/index.ts';
import { Cache } from './cache.ts';
import { ADD, DELETE, event, type Interest, interest } from './cluster-events.ts';
import { CycleState } from './cycle-state.ts';
import { handleClusterEvents } from './event-handlers.ts';
import { FitError, NodeStatuses } from './fit-error.ts';
import { Framework } from './framework.ts';
import { Journeys } from './journey.ts';
import { NodeChooser, NoNodesError } from './node-chooser.ts';
import { Nominator } from './nominator.ts';
import type { PluginHandle } from './plugin.ts';
import { defaultPlugins } from './plugins/index.ts';
import { eventMessage, type UnscheduledReason, unscheduledCondition } from './pod-condition.ts';
import { type PodInfo, podInfo } from './pod-info.ts';
import { SchedulingQueue } from './queue.ts';
import type { QueuedPod } from './queued-pod.ts';

export interface SchedulerOptions {
  /** Only pods that name this scheduler are placed. @default 'default-scheduler' */
  readonly schedulerName?: string;
  /** How long a pod waits for its volumes once its node is chosen, in milliseconds. @default 600_000 */
  readonly bindTimeoutMs?: number;
  /** Prefer nodes where more storage stays free (StorageCapacityScoring). @default false */
  readonly capacityScoring?: boolean;
  /** Keep pods off nodes that lack a driver whose CSIDriver asks for it (VolumeLimitScaling). @default false */
  readonly volumeLimitScaling?: boolean;
  /** Of the machine; events name it. @default none */
  readonly hostName?: string;
  /** Of how many nodes the search may stop, in percent; 0: by the size of the cluster. @default 0 */
  readonly percentageOfNodesToScore?: number;
}

/** Cycles follow one another without a pause for so long, in milliseconds; then everybody else has a turn. */
const SLICE_MS = 4;

/** What a pod waits for that was refused because there is no node: upstream would try it again and again. */
const NO_NODES = 'NoNodes';

/** Gives every pending pod a node. One cycle chooses and reserves, at once; binding goes on beside the next cycles. */
export function createScheduler(context: ComponentContext, options: SchedulerOptions = {}): Component {
  return new Scheduler(context, options);
}

class Scheduler implements Component {
  readonly name = 'scheduler';
  readonly #context: ComponentContext;
  readonly #schedulerName: string;
  readonly #cache = new Cache();
  readonly #framework: Framework;
  readonly #queue: SchedulingQueue;
  readonly #chooser: NodeChooser;
  readonly #journeys: Journeys;
  readonly #recorder: EventRecorder;
  readonly #pods: Informer<Pod>;
  readonly #nominator = new Nominator();
  readonly #pluginSources: readonly { synced: Promise<void> }[];
  readonly #startPlugins: () => () => void;
  /** Bindings and status writes under way. */
  readonly #running = new Set<Promise<void>>();

  constructor(context: ComponentContext, options: SchedulerOptions) {
    const { client, informers, clock, random, trace } = context;
    const log = context.log.child({ component: this.name });
    this.#context = { ...context, log };
    this.#schedulerName = options.schedulerName ?? DEFAULT_SCHEDULER;
    this.#recorder = context.recorder(this.#schedulerName, options.hostName);
    const handle: PluginHandle = {
      client,
      informers,
      clock,
      log,
      random,
      recorder: this.#recorder,
      cluster: this.#cache,
      nominator: this.#nominator,
      activate: (key) => this.#queue.activate(key),
    };
    const { plugins, sources, start } = defaultPlugins(handle, options);
    this.#pluginSources = sources;
    this.#startPlugins = start;
    this.#framework = new Framework(plugins, this.#nominator);
    const interests = new Map<string, readonly Interest[]>([[NO_NODES, [interest('Node', ADD)]]]);
    for (const { plugin } of plugins) if (plugin.interests) interests.set(plugin.name, plugin.interests);
    const gate = (pod: PodInfo) => this.#framework.gate(pod);
    this.#queue = new SchedulingQueue({ clock, log, gate, interests });
    this.#chooser = new NodeChooser({
      framework: this.#framework,
      cluster: this.#cache,
      random,
      percentageOfNodesToScore: options.percentageOfNodesToScore,
    });
    this.#journeys = new Journeys(trace);
    this.#pods = informers.of(pods);
  }

  async start(signal: AbortSignal): Promise<void> {
    const stopPlugins = this.#startPlugins();
    const handlers = handleClusterEvents({
      informers: this.#context.informers,
      cache: this.#cache,
      queue: this.#queue,
      nominator: this.#nominator,
      isOurs: (pod) => (pod.spec?.schedulerName ?? DEFAULT_SCHEDULER) === this.#schedulerName,
      onPending: (pod) => this.#journeys.begin(pod),
      onSettled: (pod) => {
        if (!pod.spec?.nodeName) this.#journeys.gone(pod);
        else this.#journeys.bound(pod, pod.spec.nodeName);
      },
    });
    const close = () => this.#queue.close();
    signal.addEventListener('abort', close, { once: true });
    try {
      await Informers.synced(signal, ...handlers.informers, ...this.#pluginSources);
      if (!signal.aborted) await this.#work(signal);
    } finally {
      close();
      signal.removeEventListener('abort', close);
      await Promise.all(this.#running);
      handlers.stop();
      stopPlugins();
    }
  }

  async #work(signal: AbortSignal): Promise<void> {
    const { clock } = this.#context;
    let sliceBegin = clock.monotonic();
    for (let next = await this.#queue.take(); next !== undefined; next = await this.#queue.take()) {
      this.#schedule(next, signal);
      if (clock.monotonic() - sliceBegin >= SLICE_MS) {
        await new Promise<void>((resolve) => clock.soon(resolve));
        sliceBegin = clock.monotonic();
      }
    }
  }

  /** One scheduling cycle. It never waits, so the cluster does not change under it. */
  #schedule(queued: QueuedPod, signal: AbortSignal): void {
    const pod = this.#current(queued);
    if (!pod || this.#cache.isAssumed(pod.uid)) return;
    queued.info = pod;
    if (isBeingDeleted(pod.pod)) {
      this.#tell(pod, 'Warning', 'FailedScheduling', 'Scheduling', `skip schedule deleting pod: ${pod.key}`);
      return;
    }
    const state = new CycleState();
    let nodeName: string | undefined;
    try {
      nodeName = this.#chooser.choose(state, pod);
      this.#cache.assume(pod, nodeName);
      this.#nominator.delete(pod.uid);
      this.#reserve(state, pod, nodeName);
    } catch (error) {
      if (nodeName !== undefined) this.#giveBack(state, pod, nodeName);
      this.#fail(queued, error);
      return;
    }
    this.#track(this.#bind(state, queued, nodeName, signal));
  }

  /** `work` never rejects. */
  #track(work: Promise<void>): void {
    this.#running.add(work);
    void work.finally(() => this.#running.delete(work));
  }

  /** The pod as it is now; `undefined` when it is gone, is another one by now, or has a node. */
  #current(queued: QueuedPod): PodInfo | undefined {
    const pod = this.#pods.byKey(queued.info.key);
    if (!pod || pod.metadata.uid !== queued.info.uid || pod.spec?.nodeName) return undefined;
    return pod === queued.info.pod ? queued.info : podInfo(pod);
  }

  #reserve(state: CycleState, pod: PodInfo, nodeName: string): void {
    const rejectors = new Set<string>();
    const rejection = this.#framework.reserve(state, pod, nodeName, rejectors);
    if (!rejection) return;
    const statuses = new NodeStatuses();
    statuses.set(nodeName, rejection);
    throw new FitError(1, { statuses, rejectors, nominate: '' });
  }

  /** The binding cycle. It may wait long, for volumes. Never rejects. */
  async #bind(state: CycleState, queued: QueuedPod, nodeName: string, signal: AbortSignal): Promise<void> {
    const pod = queued.info;
    let told: Promise<void> | undefined;
    try {
      const waitFor = this.#framework.preBinders(state, pod, nodeName);
      if (waitFor.length > 0) {
        // Others see where it will be as long as it waits; it is written beside what the waiting begins with.
        told = this.#writeStatus(pod, { nominate: nodeName });
        await this.#framework.preBind(waitFor, state, pod, nodeName, signal);
        await told;
      }
      await this.#framework.bind(state, pod, nodeName, signal);
    } catch (error) {
      // Or it would be written after the promise has been taken back.
      await told;
      this.#giveBack(state, pod, nodeName);
      if (signal.aborted) return;
      // What the pod had taken on the node is free for others.
      const placed = { ...pod.pod, spec: { ...pod.pod.spec, nodeName } } as Stored<Pod>;
      this.#queue.move(event('Pod', DELETE, placed, undefined));
      this.#fail(queued, error, told && nodeName);
      return;
    }
    this.#journeys.bound(pod.pod, nodeName);
    this.#tell(pod, 'Normal', 'Scheduled', 'Binding', `Successfully assigned ${pod.key} to ${nodeName}`);
  }

  #tell({ pod }: PodInfo, type: 'Normal' | 'Warning', reason: string, action: string, message: string): void {
    this.#recorder.event(pod, type, reason, message, { action });
  }

  #giveBack(state: CycleState, pod: PodInfo, nodeName: string): void {
    this.#framework.unreserve(state, pod, nodeName);
    this.#cache.forget(pod.uid);
  }

  /**
   * Puts the pod back into the queue and tells its user why it has no node. `promised`: what has been written to it
   * meanwhile, which the cache may not have yet.
   */
  #fail(queued: QueuedPod, error: unknown, promised?: string): void {
    const pod = this.#current(queued);
    if (!pod) return;
    const message = errorMessage(error);
    const { reason, rejectors, nominate } = verdictOf(error);
    if (reason === 'SchedulerError') {
      this.#context.log.warn('scheduling failed; trying again', { pod: pod.key, error: message });
    }
    this.#nominator.set(pod, nominate);
    this.#queue.putBack(queued, pod, rejectors);
    this.#tell(pod, 'Warning', 'FailedScheduling', 'Scheduling', eventMessage(message));
    const now = rfc3339(this.#context.clock.now());
    const condition = unscheduledCondition(pod.pod, reason, message, now);
    this.#track(this.#writeStatus(pod, { condition, nominate, promised }));
  }

  /** Writes what is new of it. Never rejects. */
  async #writeStatus(
    pod: PodInfo,
    {
      condition,
      nominate,
      promised = pod.pod.status?.nominatedNodeName ?? '',
    }: { condition?: PodCondition; nominate?: string; promised?: string },
  ): Promise<void> {
    const { client, log } = this.#context;
    const nominatedNodeName = nominate === undefined || nominate === promised ? undefined : nominate || null;
    if (!condition && nominatedNodeName === undefined) return;
    const { namespace, name, uid } = pod.pod.metadata;
    const status = {
      ...(condition && { conditions: [condition] }),
      ...(nominatedNodeName !== undefined && { nominatedNodeName }),
    };
    const body = { metadata: { uid }, status };
    try {
      await client.patch(pods, { namespace, name }, { type: 'strategic', body }, { subresource: 'status' });
    } catch (error) {
      if (isNotFound(error)) return;
      log.warn('the status of a pod without a node could not be written', {
        pod: pod.key,
        error: errorMessage(error),
      });
    }
  }
}

interface Verdict {
  readonly reason: UnscheduledReason;
  readonly rejectors: ReadonlySet<string>;
  readonly nominate?: string;
}

/** Refused by plugins, whose interests will bring the pod back; or failed by an error, to be tried after a back-off. */
function verdictOf(error: unknown): Verdict {
  if (error instanceof FitError) {
    const { rejectors, nominate } = error.diagnosis;
    return { reason: 'Unschedulable', rejectors, nominate };
  }
  if (error instanceof NoNodesError) {
    return { reason: 'Unschedulable', rejectors: new Set([NO_NODES]), nominate: '' };
  }
  return { reason: 'SchedulerError', rejectors: new Set(), nominate: '' };
}
