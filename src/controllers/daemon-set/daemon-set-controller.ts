import {
  type Component,
  type ComponentContext,
  type EventRecorder,
  runControllers,
} from '../../client/index.ts';
import {
  type ControllerRevision,
  controllerRevisions,
  type DaemonSet,
  type DaemonSetStatus,
  daemonSets,
  isBeingDeleted,
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
  allOf,
  candidatesOf,
  canonical,
  controlled,
  createRevision,
  deleteRevisions,
  nextAvailability,
  nextStatus,
  PodControl,
  slowStart,
  Workload,
  writeStatus,
} from '../workload/index.ts';
import { newDaemonPod, targetNode } from './daemon-pod.ts';
import { FailedPods } from './failed-pods.ts';
import { computeCounts, type Plan, type PlanInput, planPresence, planUpdate } from './plan.ts';
import { hashOf, historyOf, newRevision, revisionsToDelete } from './revisions.ts';

/** Pods made or deleted in one go (BurstReplicas). */
const BURST = 250;
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
  readonly #sets;
  readonly #failedPods = new FailedPods();

  constructor(context: ComponentContext) {
    this.#context = context;
    this.#recorder = context.recorder(this.name);
    this.#sets = new Workload<DaemonSet>(context, {
      name: this.name,
      resource: daemonSets,
      workers: 2,
      reconcile: (set, signal) => this.#reconcile(set, signal),
      forget: (set) => this.#failedPods.forget(set),
    });
    this.#informers = {
      sets: this.#sets.informer,
      nodes: context.informers.of(nodes),
      pods: controlled(context, pods),
      revisions: controlled(context, controllerRevisions),
    };
    this.#podControl = new PodControl(context, this.#recorder, this.#informers.pods);
  }

  start(signal: AbortSignal): Promise<void> {
    const { sets, nodes, pods } = this.#informers;
    const all = () => {
      for (const set of sets.values()) this.#sets.look(set);
    };
    return runControllers(signal, {
      informers: this.#informers,
      listen: () => [
        this.#podControl.listen(),
        this.#sets.listen(),
        pods.on(this.#sets.dependents()),
        nodes.on({
          added: all,
          updated: (node, previous) => {
            if (sets.size > 0 && placement(node) !== placement(previous)) all();
          },
          deleted: all,
        }),
      ],
      loops: [this.#sets],
    });
  }

  async #reconcile(set: Stored<DaemonSet>, signal: AbortSignal): Promise<number | undefined> {
    // Of a set that goes nobody knows which of its revisions are still there.
    if (isBeingDeleted(set)) return undefined;
    const { client, clock } = this.#context;
    const revisions = candidatesOf(this.#informers.revisions, set);
    const history = historyOf(set, await this.#sets.claim(set, controllerRevisions, revisions, signal));
    const waitMs = this.#podControl.waitMs(set);
    const own = await this.#sets.claim(set, pods, candidatesOf(this.#informers.pods, set), signal);
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
        await deleteRevisions(client, revisionsToDelete(set, history.old, own), signal);
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
    const { set, nowMs } = input;
    const presence = planPresence(input);
    const held = presence.delete.map((pod) =>
      pod.status?.phase === 'Failed' ? this.#failedPods.holdMs(set, pod, nowMs) : 0,
    );
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
    await allOf([
      slowStart(create.length, (index) =>
        this.#podControl.create(set, newDaemonPod(set, hash, create[index]!), signal),
      ),
      ...plan.delete.slice(0, BURST).map((pod) => this.#podControl.delete(set, pod, signal)),
    ]);
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
      await deleteRevisions(client, twins, signal);
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
    const created = await createRevision(client, set, revision, signal);
    if (created) return created;
    // The next try has another hash.
    const collisionCount = (set.status?.collisionCount ?? 0) + 1;
    await writeStatus(client, daemonSets, { ...set, status: { ...set.status!, collisionCount } }, signal);
    throw new Error(`revision ${revision.metadata.name} of DaemonSet ${keyOf(set)}: the name is taken`);
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
