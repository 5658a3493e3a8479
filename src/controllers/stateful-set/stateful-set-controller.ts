import {
  type Component,
  type ComponentContext,
  type EventRecorder,
  runControllers,
} from '../../client/index.ts';
import {
  type ControllerRevision,
  controllerRevisions,
  keyOf,
  persistentVolumeClaims,
  pods,
  type StatefulSet,
  type Stored,
  splitKey,
  statefulSets,
} from '../../kube/index.ts';
import {
  candidatesOf,
  controlled,
  createRevision,
  deleteRevisions,
  nextAvailability,
  nextStatus,
  Workload,
  writeStatus,
} from '../workload/index.ts';
import { applyPlan } from './apply.ts';
import { isMemberOf } from './identity.ts';
import { type Action, plan, statusAfter } from './plan.ts';
import { revisionOf } from './pod-state.ts';
import { newRevision, planRevision, revisionsToDelete, templateOf } from './revisions.ts';
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
  readonly #sets;

  constructor(context: ComponentContext, options: StatefulSetOptions) {
    this.#context = context;
    this.#recorder = context.recorder(this.name);
    this.#sets = new Workload<StatefulSet>(context, {
      name: this.name,
      resource: statefulSets,
      workers: options.workers ?? 5,
      reconcile: (set, signal) => this.#reconcile(set, signal),
    });
    this.#informers = {
      sets: this.#sets.informer,
      pods: controlled(context, pods),
      revisions: controlled(context, controllerRevisions),
      claims: context.informers.of(persistentVolumeClaims),
    };
  }

  start(signal: AbortSignal): Promise<void> {
    const { sets, pods, claims } = this.#informers;
    return runControllers(signal, {
      informers: this.#informers,
      listen: () => [
        this.#sets.listen(),
        pods.on(this.#sets.dependents()),
        // A pod may have waited for an old claim of its name to go.
        claims.on({
          deleted: ({ metadata: { namespace, name } }) => {
            for (const set of sets.values()) {
              const { metadata } = set;
              const isOfSet = name.includes(`-${metadata.name}-`);
              if (metadata.namespace === namespace && isOfSet) this.#sets.look(set);
            }
          },
        }),
      ],
      loops: [this.#sets],
    });
  }

  async #reconcile(set: Stored<StatefulSet>, signal: AbortSignal): Promise<number | undefined> {
    const { client, clock } = this.#context;
    const revisions = candidatesOf(this.#informers.revisions, set);
    const owned = await this.#sets.claim(set, controllerRevisions, revisions, signal);
    const candidates = candidatesOf(this.#informers.pods, set);
    const members = await this.#sets.claim(set, pods, candidates, signal, {
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
    let status = next.status;
    const done = (action: Action) => {
      status = statusAfter(status, action);
    };
    const inUse = new Set([current.metadata.name, update.metadata.name, ...members.map(revisionOf)]);
    try {
      await applyPlan({ client, recorder: this.#recorder, set, signal, done }, next);
    } finally {
      // Whatever has failed, as upstream.
      await this.#writeStatus(set, completeRollingUpdate(set, status), signal).finally(() =>
        deleteRevisions(client, revisionsToDelete(set, owned, inUse), signal),
      );
    }
    return nextAvailability(members, set.spec?.minReadySeconds ?? 0, nowMs);
  }

  /** The revision of what the set says now, made or made the newest if need be. */
  async #updateRevision(
    set: Stored<StatefulSet>,
    revisions: readonly Stored<ControllerRevision>[],
    signal: AbortSignal,
  ): Promise<{ update: Stored<ControllerRevision>; collisionCount: number }> {
    const { client } = this.#context;
    let collisionCount = set.status?.collisionCount ?? 0;
    const planned = planRevision(set, revisions);
    if (planned.action === 'keep') return { update: planned.update, collisionCount };
    if (planned.action === 'renumber') {
      const { resourceVersion } = planned.update.metadata;
      const body = { metadata: { resourceVersion }, revision: planned.revision };
      const name = splitKey(keyOf(planned.update));
      const update = await client.patch(controllerRevisions, name, { type: 'merge', body }, { signal });
      return { update, collisionCount };
    }
    for (; ; collisionCount++) {
      const revision = newRevision(set, planned.revision, collisionCount);
      const update = await createRevision(client, set, revision, signal);
      if (update) return { update, collisionCount };
    }
  }

  async #writeStatus(set: Stored<StatefulSet>, wanted: SetStatus, signal: AbortSignal): Promise<void> {
    const always = ['replicas', 'availableReplicas', 'collisionCount'] as const;
    const status = nextStatus<NonNullable<StatefulSet['status']>>(set.status, wanted, always);
    if (signal.aborted || !status) return;
    await writeStatus(this.#context.client, statefulSets, { ...set, status }, signal);
  }
}
