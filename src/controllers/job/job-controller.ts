import {
  type Component,
  type ComponentContext,
  Controller,
  type EventRecorder,
  Informers,
} from '../../client/index.ts';
import { controllerOf, type Job, jobs, keyOf, type Pod, pods, type Stored } from '../../kube/index.ts';
import {
  BY_CONTROLLER,
  candidatesOf,
  claimObjects,
  controllerIndex,
  PodControl,
  selects,
} from '../workload/index.ts';
import { type Failures, NO_FAILURES } from './backoff.ts';
import { JobSync, type JobSyncContext, releasePod } from './job-sync.ts';
import { isFinished } from './outcome.ts';
import { FINALIZER_TRACKING, isTracked } from './pods.ts';

/** What spec.managedBy says when it is us. */
const MANAGER = 'kubernetes.io/job-controller';

/** Runs Jobs: pods until so many have succeeded, or too many failed. */
export function createJobController(context: ComponentContext): Component {
  return new JobController(context);
}

class JobController implements Component {
  readonly name = 'job-controller';
  readonly #context: ComponentContext;
  readonly #recorder: EventRecorder;
  readonly #podControl: PodControl;
  readonly #informers;
  readonly #jobQueue: Controller;
  readonly #orphanQueue: Controller;
  /** By a job's uid. */
  readonly #failures = new Map<string, Failures>();
  readonly #released = new Map<string, Set<string>>();
  readonly #writtenVersion = new Map<string, bigint>();

  constructor(context: ComponentContext) {
    this.#context = context;
    this.#recorder = context.recorder(this.name);
    const { informers, client, clock, log } = context;
    this.#informers = {
      jobs: informers.of(jobs),
      pods: informers.of(pods).addIndex(BY_CONTROLLER, controllerIndex),
    };
    const informer = this.#informers.pods;
    this.#podControl = new PodControl({ client, clock, recorder: this.#recorder, informer });
    const queue = (
      name: string,
      reconcile: (key: string, signal: AbortSignal) => Promise<number | undefined>,
    ) => new Controller({ name, clock, log, workers: 5, reconcile });
    this.#jobQueue = queue(this.name, (key, signal) => this.#reconcile(key, signal));
    this.#orphanQueue = queue(`${this.name} orphan`, (key, signal) => this.#reconcileOrphan(key, signal));
  }

  async start(signal: AbortSignal): Promise<void> {
    await Informers.synced(signal, ...Object.values(this.#informers));
    if (signal.aborted) return;
    const stops = [this.#podControl.listen(), this.#listen()];
    try {
      await Promise.all([this.#jobQueue.run(signal), this.#orphanQueue.run(signal)]);
    } finally {
      for (const stop of stops) stop();
    }
  }

  #listen(): () => void {
    const jobChanged = (job: Stored<Job>) => this.#jobQueue.enqueue(keyOf(job));
    const podChanged = (pod: Stored<Pod>) => {
      const owner = controllerOf(pod);
      if (!isTracked(pod)) this.#released.get(owner?.uid ?? '')?.delete(pod.metadata.uid);
      else if (!owner || pod.metadata.deletionTimestamp) this.#orphanQueue.enqueue(keyOf(pod));
      for (const job of this.#jobsOf(pod)) jobChanged(job);
    };
    const stops = [
      this.#informers.jobs.on({
        added: jobChanged,
        updated: jobChanged,
        deleted: ({ metadata: { uid } }) => {
          this.#forget(uid);
          this.#releaseAll(uid);
        },
      }),
      this.#informers.pods.on({
        added: podChanged,
        updated: (pod, previous) => {
          if (controllerOf(pod)?.uid !== controllerOf(previous)?.uid) {
            for (const job of this.#jobsOf(previous)) jobChanged(job);
          }
          podChanged(pod);
        },
        deleted: (pod) => {
          this.#released.get(controllerOf(pod)?.uid ?? '')?.delete(pod.metadata.uid);
          for (const job of this.#jobsOf(pod)) jobChanged(job);
        },
      }),
    ];
    return () => {
      for (const stop of stops) stop();
    };
  }

  /** The jobs that a pod concerns: its controller, or whoever might adopt it. */
  #jobsOf(pod: Stored<Pod>): Stored<Job>[] {
    const { namespace } = pod.metadata;
    if (controllerOf(pod)) {
      const job = this.#controllingJob(pod);
      return job ? [job] : [];
    }
    return [...this.#informers.jobs.values()].filter(
      (job) => job.metadata.namespace === namespace && selects(job.spec?.selector, pod),
    );
  }

  #controllingJob(pod: Stored<Pod>): Stored<Job> | undefined {
    const owner = controllerOf(pod);
    if (owner?.kind !== jobs.kind) return undefined;
    const job = this.#informers.jobs.get(owner.name, pod.metadata.namespace);
    return job?.metadata.uid === owner.uid ? job : undefined;
  }

  async #reconcile(key: string, signal: AbortSignal): Promise<number | undefined> {
    const job = this.#informers.jobs.byKey(key);
    if (!job || (job.spec?.managedBy ?? MANAGER) !== MANAGER) return undefined;
    const { uid, resourceVersion } = job.metadata;
    if (isFinished(job)) {
      this.#forget(uid);
      this.#releaseAll(uid);
      return undefined;
    }
    // By a status of before our last write pods would be made or counted twice.
    if (BigInt(resourceVersion) < (this.#writtenVersion.get(uid) ?? 0n)) return undefined;
    const waitMs = this.#podControl.waitMs(job);
    const { client, clock } = this.#context;
    const owner = { resource: jobs, object: job, selector: job.spec?.selector };
    const candidates = candidatesOf(this.#informers.pods, job);
    const own = await claimObjects(client, pods, owner, candidates, signal, {
      adopted: ({ metadata }) => ({
        finalizers: [...new Set([...(metadata.finalizers ?? []), FINALIZER_TRACKING])],
      }),
    });
    const context: JobSyncContext = {
      client,
      clock,
      recorder: this.#recorder,
      podControl: this.#podControl,
      signal,
      onJobWritten: ({ metadata }) => this.#writtenVersion.set(uid, BigInt(metadata.resourceVersion)),
      onReleased: (pod) => this.#noteReleased(uid, pod),
    };
    const { failures, againMs } = await new JobSync(context, {
      job,
      pods: own,
      released: new Set(this.#released.get(uid)),
      failures: this.#failures.get(uid) ?? NO_FAILURES,
      cacheIsFresh: waitMs === 0,
    }).run();
    if (failures.count > 0) this.#failures.set(uid, failures);
    else this.#failures.delete(uid);
    return waitMs > 0 ? Math.min(waitMs, againMs ?? waitMs) : againMs;
  }

  #noteReleased(job: string, { metadata }: Stored<Pod>): void {
    const cached = this.#informers.pods.get(metadata.name, metadata.namespace);
    if (cached?.metadata.uid !== metadata.uid || !isTracked(cached)) return;
    const released = this.#released.get(job) ?? new Set<string>();
    this.#released.set(job, released.add(metadata.uid));
  }

  /** Pods whose end nobody counts any more must not be held by us. */
  async #reconcileOrphan(key: string, signal: AbortSignal): Promise<undefined> {
    const pod = this.#informers.pods.byKey(key);
    if (!pod || !isTracked(pod)) return;
    const owner = controllerOf(pod);
    const job = this.#controllingJob(pod);
    if (owner && owner.kind !== jobs.kind) return;
    if (job && ((job.spec?.managedBy ?? MANAGER) !== MANAGER || !isFinished(job))) return;
    await releasePod(this.#context.client, pod, signal);
  }

  #releaseAll(job: string): void {
    for (const pod of this.#informers.pods.byIndex(BY_CONTROLLER, job)) {
      if (isTracked(pod)) this.#orphanQueue.enqueue(keyOf(pod));
    }
  }

  #forget(job: string): void {
    this.#failures.delete(job);
    this.#released.delete(job);
    this.#writtenVersion.delete(job);
  }
}
