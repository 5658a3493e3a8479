import {
  type Component,
  type ComponentContext,
  Controller,
  type EventRecorder,
  runControllers,
} from '../../client/index.ts';
import { controllerOf, type Job, jobs, keyOf, type Pod, pods, type Stored } from '../../kube/index.ts';
import { BY_CONTROLLER, candidatesOf, controlled, PodControl, Workload } from '../workload/index.ts';
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
  readonly #pods;
  readonly #jobs;
  readonly #orphanQueue: Controller;
  /** By a job's uid. */
  readonly #failures = new Map<string, Failures>();
  readonly #released = new Map<string, Set<string>>();
  readonly #writtenVersion = new Map<string, bigint>();

  constructor(context: ComponentContext) {
    this.#context = context;
    this.#recorder = context.recorder(this.name);
    this.#jobs = new Workload<Job>(context, {
      name: this.name,
      resource: jobs,
      workers: 5,
      reconcile: (job, signal) => this.#reconcile(job, signal),
      forget: (job) => this.#ended(job),
    });
    this.#pods = controlled(context, pods);
    this.#podControl = new PodControl(context, this.#recorder, this.#pods);
    this.#orphanQueue = new Controller({
      name: `${this.name} orphan`,
      clock: context.clock,
      log: context.log,
      workers: 5,
      reconcile: (key, signal) => this.#reconcileOrphan(key, signal),
    });
  }

  start(signal: AbortSignal): Promise<void> {
    return runControllers(signal, {
      informers: { jobs: this.#jobs.informer, pods: this.#pods },
      listen: () => [
        this.#podControl.listen(),
        this.#jobs.listen(),
        this.#pods.on(this.#jobs.dependents((pod) => this.#podChanged(pod))),
      ],
      loops: [this.#jobs, this.#orphanQueue],
    });
  }

  #podChanged(pod: Stored<Pod>): void {
    const owner = controllerOf(pod);
    const isGone = this.#pods.byKey(keyOf(pod))?.metadata.uid !== pod.metadata.uid;
    if (isGone || !isTracked(pod)) this.#released.get(owner?.uid ?? '')?.delete(pod.metadata.uid);
    else if (!owner || pod.metadata.deletionTimestamp) this.#orphanQueue.enqueue(keyOf(pod));
  }

  async #reconcile(job: Stored<Job>, signal: AbortSignal): Promise<number | undefined> {
    if ((job.spec?.managedBy ?? MANAGER) !== MANAGER) return undefined;
    const { uid, resourceVersion } = job.metadata;
    if (isFinished(job)) {
      this.#ended(job);
      return undefined;
    }
    // By a status of before our last write pods would be made or counted twice.
    if (BigInt(resourceVersion) < (this.#writtenVersion.get(uid) ?? 0n)) return undefined;
    const waitMs = this.#podControl.waitMs(job);
    const { client, clock } = this.#context;
    const own = await this.#jobs.claim(job, pods, candidatesOf(this.#pods, job), signal, {
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
    const cached = this.#pods.get(metadata.name, metadata.namespace);
    if (cached?.metadata.uid !== metadata.uid || !isTracked(cached)) return;
    const released = this.#released.get(job) ?? new Set<string>();
    this.#released.set(job, released.add(metadata.uid));
  }

  /** Pods whose end nobody counts any more must not be held by us. */
  async #reconcileOrphan(key: string, signal: AbortSignal): Promise<undefined> {
    const pod = this.#pods.byKey(key);
    if (!pod || !isTracked(pod)) return;
    const owner = controllerOf(pod);
    const job = this.#jobs.controllerOf(pod);
    if (owner && owner.kind !== jobs.kind) return;
    if (job && ((job.spec?.managedBy ?? MANAGER) !== MANAGER || !isFinished(job))) return;
    await releasePod(this.#context.client, pod, signal);
  }

  /** Nothing is remembered of a job that has ended or gone, and none of its pods is held. */
  #ended({ metadata: { uid } }: Stored<Job>): void {
    this.#failures.delete(uid);
    this.#released.delete(uid);
    this.#writtenVersion.delete(uid);
    for (const pod of this.#pods.byIndex(BY_CONTROLLER, uid)) {
      if (isTracked(pod)) this.#orphanQueue.enqueue(keyOf(pod));
    }
  }
}
