import { type Clock, errorMessage, rfc3339 } from '../../base/index.ts';
import type { Client, EventRecorder } from '../../client/index.ts';
import {
  annotation,
  controllerOf,
  type Deployment,
  type DeploymentStatus,
  deployments,
  isAlreadyExists,
  isBeingDeleted,
  isPodTerminal,
  keyOf,
  type Pod,
  type ReplicaSet,
  replicaSets,
  type Stored,
  splitKey,
  withAnnotations,
} from '../../kube/index.ts';
import { nextStatus, sameTemplate, writeStatus } from '../workload/index.ts';
import { ANN_REVISION, maxRevision } from './annotations.ts';
import { isRollingUpdate, newestSize, replicasOf } from './fenceposts.ts';
import { isComplete, nextProgressCheck, rolloutStatus } from './progress.ts';
import { active, findNewest, isScalingEvent, setsToDelete, sum } from './replica-sets.ts';
import { rollBack, rollbackRevision } from './rollback.ts';
import { rescale, rollNewest, rollOld, type Scaling } from './scaling.ts';
import { newSet, SetWriter } from './set-writer.ts';
import {
  type Conditions,
  type ConditionText,
  computeStatus,
  conditionOf,
  pausedCondition,
  progressDeadlineMs,
  withCondition,
} from './status.ts';

export interface SyncContext {
  readonly client: Client;
  readonly clock: Clock;
  readonly recorder: EventRecorder;
  readonly signal: AbortSignal;
  readonly deployment: Stored<Deployment>;
  /** Those that the deployment controls. */
  readonly sets: readonly Stored<ReplicaSet>[];
  podsOf(set: Stored<ReplicaSet>): readonly Pod[];
}

/** One look at a deployment (pkg/controller/deployment, syncDeployment). */
export class DeploymentSync {
  readonly #context: SyncContext;
  readonly #writer: SetWriter;
  readonly #nowMs: number;
  readonly #nowText: string;
  readonly #old: readonly Stored<ReplicaSet>[];
  #newest: Stored<ReplicaSet> | undefined;
  /** What is to be written beside the counts. */
  #conditions: Conditions;
  #collisionCount: number | undefined;
  #revision: string | undefined;

  constructor(context: SyncContext) {
    this.#context = context;
    this.#writer = new SetWriter(context);
    this.#nowMs = context.clock.now();
    this.#nowText = rfc3339(this.#nowMs);
    const { deployment, sets } = context;
    this.#newest = findNewest(deployment, sets);
    this.#old = sets.filter((set) => set !== this.#newest);
    this.#conditions = deployment.status?.conditions ?? [];
    this.#collisionCount = deployment.status?.collisionCount;
    this.#revision = annotation(deployment, ANN_REVISION);
  }

  /** Milliseconds until another look is worth while; undefined when only a change makes it so. */
  async run(): Promise<number | undefined> {
    const { deployment, sets } = this.#context;
    try {
      if (isBeingDeleted(deployment)) {
        await this.#refreshNewest();
        await this.#writeStatus(this.#status());
        return undefined;
      }
      const paused = pausedCondition(deployment, this.#conditions);
      if (paused) this.#setCondition(paused);
      if (!deployment.spec?.paused && rollbackRevision(deployment) !== undefined) {
        await this.#ensureNewest();
        return await rollBack(this.#context, this.#newest ? [...this.#old, this.#newest] : this.#old);
      }
      if (deployment.spec?.paused || isScalingEvent(deployment, sets)) return await this.#resize();
      return isRollingUpdate(deployment) ? await this.#roll() : await this.#recreate();
    } catch (error) {
      await this.#writeFailure(error);
      throw error;
    }
  }

  /** The deployment's size has changed, or it is paused: nothing is rolled out now. */
  async #resize(): Promise<undefined> {
    const { deployment } = this.#context;
    await this.#refreshNewest();
    await this.#scale(rescale(deployment, this.#newest, this.#old));
    if (deployment.spec?.paused) await this.#truncateHistory();
    await this.#writeStatus(this.#status());
  }

  async #roll(): Promise<number | undefined> {
    const { deployment } = this.#context;
    const newest = await this.#ensureNewest();
    const up = rollNewest(deployment, newest, [...this.#old, newest]);
    const scalings = up.length > 0 ? up : rollOld(deployment, newest, this.#old);
    await this.#scale(scalings);
    if (scalings.length === 0 && isComplete(deployment, deployment.status ?? {}))
      await this.#truncateHistory();
    return await this.#reportRollout();
  }

  async #recreate(): Promise<number | undefined> {
    const { deployment } = this.#context;
    await this.#refreshNewest();
    const alive = active(this.#old);
    await this.#scale(alive.map((set) => ({ set, to: 0 })));
    if (alive.length > 0 || this.#oldPodsRun()) return await this.#reportRollout();
    const newest = await this.#ensureNewest();
    await this.#scale([{ set: newest, to: replicasOf(deployment) }]);
    if (isComplete(deployment, deployment.status ?? {})) await this.#truncateHistory();
    return await this.#reportRollout();
  }

  #oldPodsRun(): boolean {
    if (sum(this.#old, ({ status }) => status?.replicas) > 0) return true;
    return this.#old.some((set) => this.#context.podsOf(set).some((pod) => !isPodTerminal(pod)));
  }

  async #scale(scalings: readonly Scaling[]): Promise<void> {
    for (const scaling of scalings) await this.#writer.scale(scaling);
  }

  async #truncateHistory(): Promise<void> {
    for (const set of setsToDelete(this.#context.deployment, this.#old)) await this.#writer.delete(set);
  }

  /** The newest set with the annotations that it should have; the deployment takes over its revision. */
  async #refreshNewest(): Promise<Stored<ReplicaSet> | undefined> {
    const { deployment } = this.#context;
    const newest = this.#newest;
    if (!newest) return undefined;
    const refreshed = await this.#writer.refresh(newest, maxRevision(this.#old) + 1);
    if (refreshed) {
      this.#newest = refreshed;
      return refreshed;
    }
    this.#revision = annotation(newest, ANN_REVISION) ?? this.#revision;
    const hasProgress = conditionOf(this.#conditions, 'Progressing') !== undefined;
    if (progressDeadlineMs(deployment) !== undefined && !hasProgress) {
      const message = `Found new replica set "${newest.metadata.name}"`;
      this.#setCondition({ type: 'Progressing', status: 'True', reason: 'FoundNewReplicaSet', message });
    }
    return newest;
  }

  async #ensureNewest(): Promise<Stored<ReplicaSet>> {
    return (await this.#refreshNewest()) ?? (await this.#createNewest());
  }

  async #createNewest(): Promise<Stored<ReplicaSet>> {
    const { deployment, recorder } = this.#context;
    const revision = maxRevision(this.#old) + 1;
    const replicas = newestSize(deployment, this.#old, 0);
    const empty = newSet(deployment, revision, this.#collisionCount);
    const wanted = { ...empty, spec: { ...empty.spec!, replicas } };
    this.#revision = String(revision);
    try {
      this.#newest = await this.#writer.create(wanted);
    } catch (error) {
      if (!isAlreadyExists(error)) throw new CreationError(wanted, error);
      this.#newest = await this.#existing(wanted, error);
      return this.#newest;
    }
    const { name } = this.#newest.metadata;
    if (replicas > 0) {
      const text = `Scaled up replica set ${name} from 0 to ${replicas}`;
      recorder.event(deployment, 'Normal', 'ScalingReplicaSet', text);
    }
    if (progressDeadlineMs(deployment) !== undefined) {
      const message = `Created new replica set "${name}"`;
      this.#setCondition({ type: 'Progressing', status: 'True', reason: 'NewReplicaSetCreated', message });
    }
    return this.#newest;
  }

  /** Ours, made before the cache could show it; or another template with the same hash: then the next is named otherwise. */
  async #existing(wanted: ReplicaSet, error: unknown): Promise<Stored<ReplicaSet>> {
    const { client, deployment, signal } = this.#context;
    const found = await client.get(replicaSets, splitKey(keyOf(wanted)), { signal });
    const ours = controllerOf(found)?.uid === deployment.metadata.uid;
    if (ours && sameTemplate(found.spec?.template, deployment.spec?.template)) return found;
    this.#collisionCount = (this.#collisionCount ?? 0) + 1;
    throw error;
  }

  #setCondition(condition: ConditionText): void {
    this.#conditions = withCondition(this.#conditions, condition, this.#nowText);
  }

  #statusInput() {
    return {
      deployment: this.#context.deployment,
      conditions: this.#conditions,
      newest: this.#newest,
      old: this.#old,
      collisionCount: this.#collisionCount,
      nowText: this.#nowText,
    };
  }

  #status(): DeploymentStatus {
    return computeStatus(this.#statusInput());
  }

  async #reportRollout(): Promise<number | undefined> {
    const status = rolloutStatus(this.#statusInput(), this.#status(), this.#nowMs);
    await this.#writeStatus(status);
    return nextProgressCheck(this.#context.deployment, status, this.#nowMs);
  }

  /** What is known although the look has failed: a pause, a collision, a set that could not be made. */
  async #writeFailure(error: unknown): Promise<void> {
    const { deployment, recorder, signal } = this.#context;
    if (signal.aborted) return;
    if (error instanceof CreationError) {
      if (progressDeadlineMs(deployment) !== undefined) {
        this.#setCondition({
          type: 'Progressing',
          status: 'False',
          reason: 'ReplicaSetCreateError',
          message: error.message,
        });
      }
      recorder.event(deployment, 'Warning', 'ReplicaSetCreateError', error.message);
    }
    const { conditions: before = [], collisionCount } = deployment.status ?? {};
    if (this.#conditions === before && this.#collisionCount === collisionCount) return;
    const status = {
      ...deployment.status,
      conditions: this.#conditions,
      collisionCount: this.#collisionCount,
    };
    // The error that is already there matters more than one of this.
    await this.#writeStatus(status).catch(() => undefined);
  }

  async #writeStatus(wanted: DeploymentStatus): Promise<void> {
    const { client, deployment, signal } = this.#context;
    const status = nextStatus(deployment.status, wanted, ['terminatingReplicas', 'collisionCount']);
    const isNewRevision = this.#revision !== annotation(deployment, ANN_REVISION);
    if (!status && !isNewRevision) return;
    const annotated = withAnnotations(deployment, { [ANN_REVISION]: this.#revision });
    await writeStatus(client, deployments, { ...annotated, status: status ?? deployment.status }, signal);
  }
}

class CreationError extends Error {
  constructor(set: ReplicaSet, cause: unknown) {
    const message = `Failed to create new replica set "${set.metadata?.name}": ${errorMessage(cause)}`;
    super(message, { cause });
  }
}
