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
  isAlreadyExists,
  isNotFound,
  keyOf,
  type Pod,
  persistentVolumeClaims,
  pods,
  type StatefulSet,
  type Stored,
  statefulSets,
} from '../../kube/index.ts';
import {
  BY_CONTROLLER,
  candidatesOf,
  claimObjects,
  controllerIndex,
  nextAvailability,
  nextStatus,
  selects,
  writeStatus,
} from '../workload/index.ts';
import { applyPlan } from './apply.ts';
import { isMemberOf } from './identity.ts';
import { plan } from './plan.ts';
import { revisionOf } from './pod-state.ts';
import { newRevision, planRevision, revisionsToDelete, sameData, templateOf } from './revisions.ts';
import { completeRollingUpdate, type SetStatus } from './status.ts';

export interface StatefulSetOptions {
  /** Sets worked on at a time (--concurrent-statefulset-syncs). @default 5 */
  readonly workers?: number;
}

/** Runs StatefulSets: ordered pods with names and claims of their own. */
export function createStatefulSetController(
  context: ComponentContext,
  options: StatefulSetOptions = {},
): Component {
  return new StatefulSetController(context, options);
}

class StatefulSetController implements Component {
  readonly name = 'statefulset-controller';
  readonly #context: ComponentContext;
  readonly #recorder: EventRecorder;
  readonly #informers;
  readonly #controller: Controller;

  constructor(context: ComponentContext, options: StatefulSetOptions) {
    this.#context = context;
    this.#recorder = context.recorder(this.name);
    const { informers, clock, log } = context;
    this.#informers = {
      sets: informers.of(statefulSets),
      pods: informers.of(pods).addIndex(BY_CONTROLLER, controllerIndex),
      revisions: informers.of(controllerRevisions).addIndex(BY_CONTROLLER, controllerIndex),
      claims: informers.of(persistentVolumeClaims),
    };
    this.#controller = new Controller({
      name: this.name,
      clock,
      log,
      workers: options.workers ?? 5,
      reconcile: (key, signal) => this.#reconcile(key, signal),
    });
  }

  async start(signal: AbortSignal): Promise<void> {
    await Informers.synced(signal, ...Object.values(this.#informers));
    if (signal.aborted) return;
    const stopListening = this.#listen();
    try {
      await this.#controller.run(signal);
    } finally {
      stopListening();
    }
  }

  #listen(): () => void {
    const { sets, pods, claims } = this.#informers;
    const setChanged = (set: Stored<StatefulSet>) => this.#controller.enqueue(keyOf(set));
    const podChanged = (pod: Stored<Pod>) => {
      for (const key of this.#setsOf(pod)) this.#controller.enqueue(key);
    };
    const stops = [
      sets.on({ added: setChanged, updated: setChanged, deleted: setChanged }),
      pods.on({
        added: podChanged,
        updated: (pod, previous) => {
          podChanged(previous);
          podChanged(pod);
        },
        deleted: podChanged,
      }),
      // A pod may have waited for an old claim of its name to go.
      claims.on({
        deleted: ({ metadata: { namespace, name } }) => {
          for (const set of sets.values()) {
            if (set.metadata.namespace === namespace && name.includes(`-${set.metadata.name}-`))
              setChanged(set);
          }
        },
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
      const set = controller.kind === statefulSets.kind ? sets.get(controller.name, namespace) : undefined;
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
    const owner = { resource: statefulSets, object: set, selector: set.spec?.selector };
    const revisions = candidatesOf(this.#informers.revisions, set);
    const owned = await claimObjects(client, controllerRevisions, owner, revisions, signal);
    const candidates = candidatesOf(this.#informers.pods, set);
    const members = await claimObjects(client, pods, owner, candidates, signal, {
      belongs: (pod) => isMemberOf(set, pod),
    });

    const { update, collisionCount } = await this.#updateRevision(set, owned, signal);
    const current = owned.find(({ metadata }) => metadata.name === set.status?.currentRevision) ?? update;
    const nowMs = clock.now();
    const next = plan({
      set,
      pods: members,
      claim: (name) => this.#informers.claims.get(name, set.metadata.namespace),
      current: { name: current.metadata.name, template: templateOf(current) },
      update: { name: update.metadata.name, template: templateOf(update) },
      collisionCount,
      nowMs,
    });
    try {
      await applyPlan({ client, recorder: this.#recorder, set, signal }, next);
    } finally {
      await this.#writeStatus(set, completeRollingUpdate(set, next.status), signal);
    }
    const inUse = new Set([current.metadata.name, update.metadata.name, ...members.map(revisionOf)]);
    await this.#truncateHistory(revisionsToDelete(set, owned, inUse), signal);
    return nextAvailability(members, set.spec?.minReadySeconds ?? 0, nowMs);
  }

  /** The revision of what the set says now, made or made the newest if need be. */
  async #updateRevision(
    set: Stored<StatefulSet>,
    revisions: readonly Stored<ControllerRevision>[],
    signal: AbortSignal,
  ): Promise<{ update: Stored<ControllerRevision>; collisionCount: number }> {
    const { client } = this.#context;
    const { namespace } = set.metadata;
    let collisionCount = set.status?.collisionCount ?? 0;
    const planned = planRevision(set, revisions);
    if (planned.action === 'keep') return { update: planned.update, collisionCount };
    if (planned.action === 'renumber') {
      const { name, resourceVersion } = planned.update.metadata;
      const body = { metadata: { resourceVersion }, revision: planned.revision };
      const update = await client.patch(
        controllerRevisions,
        { namespace, name },
        { type: 'merge', body },
        { signal },
      );
      return { update, collisionCount };
    }
    for (;;) {
      const revision = newRevision(set, planned.revision, collisionCount);
      try {
        return { update: await client.create(controllerRevisions, revision, { signal }), collisionCount };
      } catch (error) {
        if (!isAlreadyExists(error)) throw error;
        const { name } = revision.metadata;
        const found = await client.get(controllerRevisions, { namespace, name }, { signal });
        // Ours, made before the cache could show it; or another content with the same hash.
        const ours = controllerOf(found)?.uid === set.metadata.uid && sameData(found, revision);
        if (ours) return { update: found, collisionCount };
        collisionCount++;
      }
    }
  }

  async #writeStatus(set: Stored<StatefulSet>, wanted: SetStatus, signal: AbortSignal): Promise<void> {
    const always = ['replicas', 'availableReplicas', 'collisionCount'] as const;
    const status = nextStatus<NonNullable<StatefulSet['status']>>(set.status, wanted, always);
    if (signal.aborted || !status) return;
    await writeStatus(this.#context.client, statefulSets, { ...set, status }, signal);
  }

  async #truncateHistory(old: readonly Stored<ControllerRevision>[], signal: AbortSignal): Promise<void> {
    for (const { metadata } of old) {
      const { namespace, name, uid } = metadata;
      try {
        await this.#context.client.delete(
          controllerRevisions,
          { namespace, name },
          { preconditions: { uid }, signal },
        );
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    }
  }
}
