import { errorMessage, rfc3339 } from '../../base/index.ts';
import { type Component, type ComponentContext, runControllers } from '../../client/index.ts';
import {
  controllerOf,
  isBeingDeleted,
  type Pod,
  pods,
  type ReplicaSet,
  type ReplicaSetStatus,
  replicaSets,
  type Stored,
} from '../../kube/index.ts';
import {
  allOf,
  BY_CONTROLLER,
  candidatesOf,
  controlled,
  controllerIndex,
  isActive,
  isTerminating,
  nextAvailability,
  nextStatus,
  PodControl,
  podFromTemplate,
  podsToDelete,
  selects,
  slowStart,
  Workload,
  writeStatus,
} from '../workload/index.ts';
import { computeStatus } from './status.ts';

/** Pods made or deleted in one go (BurstReplicas). */
const BURST = 500;

/** Keeps as many pods as each ReplicaSet says. */
export function createReplicaSetController(context: ComponentContext): Component {
  return new ReplicaSetController(context);
}

class ReplicaSetController implements Component {
  readonly name = 'replicaset-controller';
  readonly #context: ComponentContext;
  readonly #podControl: PodControl;
  readonly #pods;
  readonly #sets;

  constructor(context: ComponentContext) {
    this.#context = context;
    this.#pods = controlled(context, pods);
    this.#podControl = new PodControl(context, context.recorder(this.name), this.#pods);
    this.#sets = new Workload<ReplicaSet>(context, {
      name: this.name,
      resource: replicaSets,
      workers: 5,
      reconcile: (set, signal) => this.#reconcile(set, signal),
    });
    this.#sets.informer.addIndex(BY_CONTROLLER, controllerIndex);
  }

  start(signal: AbortSignal): Promise<void> {
    return runControllers(signal, {
      informers: { sets: this.#sets.informer, pods: this.#pods },
      listen: () => [this.#podControl.listen(), this.#sets.listen(), this.#pods.on(this.#sets.dependents())],
      loops: [this.#sets],
    });
  }

  async #reconcile(set: Stored<ReplicaSet>, signal: AbortSignal): Promise<number | undefined> {
    const { clock } = this.#context;
    const waitMs = this.#podControl.waitMs(set);
    const candidates = candidatesOf(this.#pods, set);
    const active = await this.#sets.claim(set, pods, candidates.filter(isActive), signal);
    const terminating = candidates.filter(
      (pod) => isTerminating(pod) && controllerOf(pod) !== undefined && selects(set.spec?.selector, pod),
    );
    let failure: { error: unknown } | undefined;
    if (waitMs === 0 && !isBeingDeleted(set)) {
      await this.#manageReplicas(set, active, signal).catch((error: unknown) => {
        failure = { error };
      });
      if (signal.aborted) return undefined;
    }
    const nowMs = clock.now();
    const status = computeStatus({
      set,
      active,
      terminating,
      failure: failure && errorMessage(failure.error),
      nowMs,
      nowText: rfc3339(nowMs),
    });
    await this.#writeStatus(set, status, signal);
    if (failure) throw failure.error;
    const nextMs = nextAvailability(active, set.spec?.minReadySeconds ?? 0, nowMs);
    return waitMs > 0 ? Math.min(waitMs, nextMs ?? waitMs) : nextMs;
  }

  async #manageReplicas(
    set: Stored<ReplicaSet>,
    active: readonly Stored<Pod>[],
    signal: AbortSignal,
  ): Promise<void> {
    const missing = (set.spec?.replicas ?? 1) - active.length;
    if (missing > 0) {
      const pod = podFromTemplate(set.spec?.template, set);
      await slowStart(Math.min(missing, BURST), () => this.#podControl.create(set, pod, signal));
    } else if (missing < 0) {
      const count = Math.min(-missing, BURST);
      const going = podsToDelete(active, this.#relatedPods(set), count, this.#context.clock.now());
      await allOf(going.map((pod) => this.#podControl.delete(set, pod, signal)));
    }
  }

  /** The pods of every set that has the same controller as this: of a deployment, all of them. */
  #relatedPods(set: Stored<ReplicaSet>): Stored<Pod>[] {
    const controller = controllerOf(set);
    const sets = controller ? this.#sets.informer.byIndex(BY_CONTROLLER, controller.uid) : [set];
    return sets.flatMap(({ metadata }) => [...this.#pods.byIndex(BY_CONTROLLER, metadata.uid)]);
  }

  async #writeStatus(set: Stored<ReplicaSet>, wanted: ReplicaSetStatus, signal: AbortSignal): Promise<void> {
    const status = nextStatus(set.status, wanted, ['replicas', 'terminatingReplicas']);
    if (status) await writeStatus(this.#context.client, replicaSets, { ...set, status }, signal);
  }
}
