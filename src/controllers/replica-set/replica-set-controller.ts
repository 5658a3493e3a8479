import { errorMessage, rfc3339 } from '../../base/index.ts';
import { type Component, type ComponentContext, Controller, Informers } from '../../client/index.ts';
import {
  controllerOf,
  isBeingDeleted,
  keyOf,
  type Pod,
  pods,
  type ReplicaSet,
  type ReplicaSetStatus,
  replicaSets,
  type Stored,
} from '../../kube/index.ts';
import {
  BY_CONTROLLER,
  candidatesOf,
  claimObjects,
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
  readonly #informers;
  readonly #controller: Controller;

  constructor(context: ComponentContext) {
    this.#context = context;
    const { informers, client, clock, log } = context;
    this.#informers = {
      sets: informers.of(replicaSets).addIndex(BY_CONTROLLER, controllerIndex),
      pods: informers.of(pods).addIndex(BY_CONTROLLER, controllerIndex),
    };
    const recorder = context.recorder(this.name);
    this.#podControl = new PodControl({ client, recorder, clock, informer: this.#informers.pods });
    this.#controller = new Controller({
      name: this.name,
      clock,
      log,
      workers: 5,
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
    const { sets, pods } = this.#informers;
    const setChanged = (set: Stored<ReplicaSet>) => this.#controller.enqueue(keyOf(set));
    const podChanged = (pod: Stored<Pod>) => {
      for (const key of this.#setsOf(pod)) this.#controller.enqueue(key);
    };
    const stops = [
      sets.on({ added: setChanged, updated: setChanged, deleted: setChanged }),
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
  #setsOf(pod: Stored<Pod>): string[] {
    const { sets } = this.#informers;
    const { namespace } = pod.metadata;
    const controller = controllerOf(pod);
    if (controller) {
      const set = controller.kind === replicaSets.kind ? sets.get(controller.name, namespace) : undefined;
      return set?.metadata.uid === controller.uid ? [keyOf(set)] : [];
    }
    return [...sets.values()]
      .filter((set) => set.metadata.namespace === namespace && selects(set.spec?.selector, pod))
      .map(keyOf);
  }

  async #reconcile(key: string, signal: AbortSignal): Promise<number | undefined> {
    const set = this.#informers.sets.byKey(key);
    if (!set) return undefined;
    const { client, clock } = this.#context;
    const waitMs = this.#podControl.waitMs(set);
    const candidates = candidatesOf(this.#informers.pods, set);
    const active = await claimObjects(
      client,
      pods,
      { resource: replicaSets, object: set, selector: set.spec?.selector },
      candidates.filter(isActive),
      signal,
    );
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
      const results = await Promise.allSettled(going.map((pod) => this.#podControl.delete(set, pod, signal)));
      const failed = results.find(({ status }) => status === 'rejected');
      if (failed) throw (failed as PromiseRejectedResult).reason;
    }
  }

  /** The pods of every set that has the same controller as this: of a deployment, all of them. */
  #relatedPods(set: Stored<ReplicaSet>): Stored<Pod>[] {
    const controller = controllerOf(set);
    const sets = controller ? this.#informers.sets.byIndex(BY_CONTROLLER, controller.uid) : [set];
    return sets.flatMap(({ metadata }) => [...this.#informers.pods.byIndex(BY_CONTROLLER, metadata.uid)]);
  }

  async #writeStatus(set: Stored<ReplicaSet>, wanted: ReplicaSetStatus, signal: AbortSignal): Promise<void> {
    const status = nextStatus(set.status, wanted, ['replicas', 'terminatingReplicas']);
    if (status) await writeStatus(this.#context.client, replicaSets, { ...set, status }, signal);
  }
}
