import { backoffDelay } from '../../base/index.ts';
import {
  type Component,
  type ComponentContext,
  Controller,
  type EventRecorder,
  Informers,
} from '../../client/index.ts';
import {
  type ControllerRevision,
  controllerOf,
  controllerRevisions,
  type DaemonSet,
  type DaemonSetStatus,
  daemonSets,
  isAlreadyExists,
  isBeingDeleted,
  isNotFound,
  keyOf,
  LABEL_CONTROLLER_REVISION_HASH,
  type Node,
  nodes,
  type Pod,
  pods,
  type Stored,
  splitKey,
} from '../../kube/index.ts';
import {
  BY_CONTROLLER,
  candidatesOf,
  canonical,
  claimObjects,
  controllerIndex,
  nextAvailability,
  nextStatus,
  PodControl,
  selects,
  slowStart,
  writeStatus,
} from '../workload/index.ts';
import { newDaemonPod, targetNode } from './daemon-pod.ts';
import { computeCounts, type Plan, type PlanInput, planPresence, planUpdate } from './plan.ts';
import { hashOf, historyOf, newRevision, revisionsToDelete } from './revisions.ts';

/** Pods made or deleted in one go (BurstReplicas). */
const BURST = 250;
/** How long a failed pod stays before it is deleted, so that a node that refuses it is not asked all the time. */
const FAILED_POD = { initialMs: 1_000, maxMs: 900_000 };

interface Failures {
  readonly count: number;
  readonly atMs: number;
}

/** Runs a pod of each DaemonSet on each node that may run it. */
export function createDaemonSetController(context: ComponentContext): Component {
  return new DaemonSetController(context);
}

class DaemonSetController implements Component {
  readonly name = 'daemonset-controller';
  readonly #context: ComponentContext;
  readonly #recorder: EventRecorder;
  readonly #podControl: PodControl;
  readonly #informers;
  readonly #controller: Controller;
  /** By set, generation and node. */
  readonly #failures = new Map<string, Failures>();

  constructor(context: ComponentContext) {
    this.#context = context;
    this.#recorder = context.recorder(this.name);
    const { informers, client, clock, log } = context;
    this.#informers = {
      sets: informers.of(daemonSets),
      nodes: informers.of(nodes),
      pods: informers.of(pods).addIndex(BY_CONTROLLER, controllerIndex),
      revisions: informers.of(controllerRevisions).addIndex(BY_CONTROLLER, controllerIndex),
    };
    const informer = this.#informers.pods;
    this.#podControl = new PodControl({ client, clock, recorder: this.#recorder, informer });
    this.#controller = new Controller({
      name: this.name,
      clock,
      log,
      workers: 2,
      reconcile: (key, signal) => this.#reconcile(key, signal),
    });
  }

  async start(signal: AbortSignal): Promise<void> {
    await Informers.synced(signal, ...Object.values(this.#informers));
    if (signal.aborted) return;
    const stops = [this.#podControl.listen(), this.#listen()];
    try {
      await this.#controller.run(signal);
    } finally {
      for (const stop of stops) stop();
    }
  }

  #listen(): () => void {
    const { sets, nodes, pods } = this.#informers;
    const setChanged = (set: Stored<DaemonSet>) => this.#controller.enqueue(keyOf(set));
    const podChanged = (pod: Stored<Pod>) => {
      for (const set of this.#setsOf(pod)) setChanged(set);
    };
    const all = () => {
      for (const set of sets.values()) setChanged(set);
    };
    const stops = [
      sets.on({
        added: setChanged,
        updated: setChanged,
        deleted: ({ metadata }) => this.#forget(metadata.uid),
      }),
      nodes.on({
        added: all,
        updated: (node, previous) => {
          if (sets.size > 0 && placement(node) !== placement(previous)) all();
        },
        deleted: all,
      }),
      pods.on({
        added: podChanged,
        updated: (pod, previous) => {
          if (controllerOf(pod)?.uid !== controllerOf(previous)?.uid) podChanged(previous);
          podChanged(pod);
        },
        deleted: podChanged,
      }),
    ];
    return () => {
      for (const stop of stops) stop();
    };
  }

  /** The sets that a pod concerns: its controller, or whoever might adopt it. */
  #setsOf(pod: Stored<Pod>): Stored<DaemonSet>[] {
    const { sets } = this.#informers;
    const { namespace } = pod.metadata;
    const controller = controllerOf(pod);
    if (controller) {
      const set = controller.kind === daemonSets.kind ? sets.get(controller.name, namespace) : undefined;
      return set?.metadata.uid === controller.uid ? [set] : [];
    }
    return [...sets.values()].filter(
      (set) => set.metadata.namespace === namespace && selects(set.spec?.selector, pod),
    );
  }

  async #reconcile(key: string, signal: AbortSignal): Promise<number | undefined> {
    const set = this.#informers.sets.byKey(key);
    // Of a set that goes nobody knows which of its revisions are still there.
    if (!set || isBeingDeleted(set)) return undefined;
    const { client, clock } = this.#context;
    const owner = { resource: daemonSets, object: set, selector: set.spec?.selector };
    const revisions = candidatesOf(this.#informers.revisions, set);
    const history = historyOf(set, await claimObjects(client, controllerRevisions, owner, revisions, signal));
    const waitMs = this.#podControl.waitMs(set);
    const own = await claimObjects(client, pods, owner, candidatesOf(this.#informers.pods, set), signal);
    const current = await this.#currentRevision(set, history, own, signal);
    const nowMs = clock.now();
    const input: PlanInput = {
      set,
      nodes: [...this.#informers.nodes.values()],
      pods: own,
      hash: hashOf(current),
      nowMs,
    };
    let failure: { error: unknown } | undefined;
    let againMs: number | undefined;
    if (waitMs === 0) {
      try {
        againMs = await this.#manage(input, signal);
        for (const revision of revisionsToDelete(set, history.old, own)) {
          await this.#deleteRevision(revision, signal);
        }
      } catch (error) {
        failure = { error };
      }
    }
    if (signal.aborted) return undefined;
    await this.#writeStatus(input, waitMs === 0, signal);
    if (failure) throw failure.error;
    const waits = [
      againMs,
      waitMs || undefined,
      nextAvailability(own, set.spec?.minReadySeconds ?? 0, nowMs),
    ];
    const known = waits.filter((ms) => ms !== undefined);
    return known.length > 0 ? Math.min(...known) : undefined;
  }

  /** Milliseconds until a failed pod may be deleted that may not as yet. */
  async #manage(input: PlanInput, signal: AbortSignal): Promise<number | undefined> {
    const { set } = input;
    const presence = planPresence(input);
    const held = presence.delete.map((pod) => (pod.status?.phase === 'Failed' ? this.#holdMs(set, pod) : 0));
    const going = presence.delete.filter((_, index) => held[index] === 0);
    for (const pod of going) this.#tellOfEnded(set, pod);
    await this.#apply(input, { create: presence.create, delete: going }, signal);
    const rolls = (set.spec?.updateStrategy?.type ?? 'RollingUpdate') === 'RollingUpdate';
    if (rolls && this.#podControl.waitMs(set) === 0) await this.#apply(input, planUpdate(input), signal);
    const waits = held.filter((ms) => ms > 0);
    return waits.length > 0 ? Math.min(...waits) : undefined;
  }

  async #apply({ set, hash }: PlanInput, plan: Plan, signal: AbortSignal): Promise<void> {
    const create = plan.create.slice(0, BURST);
    const results = await Promise.allSettled([
      slowStart(create.length, (index) =>
        this.#podControl.create(set, newDaemonPod(set, hash, create[index]!), signal),
      ),
      ...plan.delete.slice(0, BURST).map((pod) => this.#podControl.delete(set, pod, signal)),
    ]);
    const failed = results.find(({ status }) => status === 'rejected');
    if (failed) throw (failed as PromiseRejectedResult).reason;
  }

  /** How long a failed pod is still to stay; 0 when it goes now, which is remembered. */
  #holdMs(set: Stored<DaemonSet>, pod: Stored<Pod>): number {
    const nowMs = this.#context.clock.now();
    const key = `${set.metadata.uid}/${set.status?.observedGeneration ?? 0}/${targetNode(pod)}`;
    const before = this.#failures.get(key);
    const delayMs = before ? backoffDelay(FAILED_POD, before.count) : 0;
    const leftMs = before ? before.atMs + delayMs - nowMs : 0;
    if (leftMs > 0) return leftMs;
    // Who has been well for twice the longest wait begins anew.
    const isOld = before !== undefined && nowMs - before.atMs > 2 * FAILED_POD.maxMs;
    this.#failures.set(key, { count: isOld ? 1 : (before?.count ?? 0) + 1, atMs: nowMs });
    return 0;
  }

  #tellOfEnded(set: Stored<DaemonSet>, pod: Stored<Pod>): void {
    const { namespace, name } = pod.metadata;
    const where = `daemon pod ${namespace}/${name} on node ${targetNode(pod)}, will try to`;
    if (pod.status?.phase === 'Failed') {
      this.#recorder.event(set, 'Warning', 'FailedDaemonPod', `Found failed ${where} kill it`);
    } else if (pod.status?.phase === 'Succeeded') {
      this.#recorder.event(set, 'Normal', 'SucceededDaemonPod', `Found succeeded ${where} delete it`);
    }
  }

  #forget(uid: string): void {
    for (const key of this.#failures.keys()) if (key.startsWith(`${uid}/`)) this.#failures.delete(key);
  }

  /** The revision of the template as it is now, made or numbered anew if need be; twins of it go. */
  async #currentRevision(
    set: Stored<DaemonSet>,
    { current, number }: ReturnType<typeof historyOf>,
    own: readonly Stored<Pod>[],
    signal: AbortSignal,
  ): Promise<Stored<ControllerRevision>> {
    const { client } = this.#context;
    const newest = current.at(-1);
    if (!newest) return await this.#createRevision(set, number, signal);
    if (current.length > 1) {
      const labels = { [LABEL_CONTROLLER_REVISION_HASH]: hashOf(newest) };
      const twins = current.slice(0, -1);
      for (const pod of own.filter(({ metadata }) => twins.some((twin) => isOf(metadata.labels, twin)))) {
        const body = { metadata: { uid: pod.metadata.uid, labels } };
        await client.patch(pods, splitKey(keyOf(pod)), { type: 'merge', body }, { signal });
      }
      for (const twin of twins) await this.#deleteRevision(twin, signal);
    }
    if (newest.revision >= number) return newest;
    return await client.update(controllerRevisions, { ...newest, revision: number }, { signal });
  }

  async #createRevision(
    set: Stored<DaemonSet>,
    number: number,
    signal: AbortSignal,
  ): Promise<Stored<ControllerRevision>> {
    const { client } = this.#context;
    const revision = newRevision(set, number);
    try {
      return await client.create(controllerRevisions, revision, { signal });
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
      const found = await client.get(controllerRevisions, splitKey(keyOf(revision)), { signal });
      const ours = controllerOf(found)?.uid === set.metadata.uid;
      if (ours && canonical(found.data) === canonical(revision.data)) return found;
      // Another content with the same hash: the next try has another.
      const collisionCount = (set.status?.collisionCount ?? 0) + 1;
      const status = { ...set.status!, collisionCount };
      await writeStatus(client, daemonSets, { ...set, status }, signal);
      throw error;
    }
  }

  async #deleteRevision({ metadata }: Stored<ControllerRevision>, signal: AbortSignal): Promise<void> {
    const { namespace, name, uid } = metadata;
    try {
      const preconditions = { uid };
      await this.#context.client.delete(controllerRevisions, { namespace, name }, { preconditions, signal });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  /** @param isObserved whether the set has been worked on as it is now */
  async #writeStatus(input: PlanInput, isObserved: boolean, signal: AbortSignal): Promise<void> {
    const { set } = input;
    const observedGeneration = isObserved ? set.metadata.generation : set.status?.observedGeneration;
    const always = [
      'currentNumberScheduled',
      'numberMisscheduled',
      'desiredNumberScheduled',
      'numberReady',
    ] as const;
    const wanted: DaemonSetStatus = { ...computeCounts(input), observedGeneration };
    const status = nextStatus(set.status, wanted, always);
    if (status) await writeStatus(this.#context.client, daemonSets, { ...set, status }, signal);
  }
}

/** What of a node decides whether a daemon runs on it. */
function placement({ metadata, spec }: Node): string {
  return canonical([metadata?.labels, spec?.taints, spec?.unschedulable]);
}

function isOf(labels: Readonly<Record<string, string>> | undefined, revision: ControllerRevision): boolean {
  return labels?.[LABEL_CONTROLLER_REVISION_HASH] === hashOf(revision);
}
