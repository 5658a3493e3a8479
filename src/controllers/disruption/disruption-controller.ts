import { errorMessage, rfc3339 } from '../../base/index.ts';
import {
  type Component,
  type ComponentContext,
  Controller,
  type EventRecorder,
  runControllers,
} from '../../client/index.ts';
import {
  changedPodConditions,
  customResourceDefinitions,
  deployments,
  isConflict,
  keyOf,
  type Pod,
  type PodDisruptionBudget,
  type PodDisruptionBudgetStatus,
  podDisruptionBudgets,
  pods,
  replicaSets,
  type Stored,
  splitKey,
  statefulSets,
} from '../../kube/index.ts';
import { nextStatus, selects, writeStatus } from '../workload/index.ts';
import {
  budgetStatus,
  type Disruptions,
  disruptions,
  expectation,
  failedStatus,
  goSelector,
  needsScale,
  staleConditionMs,
} from './budget.ts';
import { type ScaleSources, totalScale } from './scales.ts';

const BY_NAMESPACE = 'disruption/namespace';

/** Keeps the status of PodDisruptionBudgets true, by which evictions are allowed or refused. */
export function createDisruptionController(context: ComponentContext): Component {
  return new DisruptionController(context);
}

class DisruptionController implements Component {
  readonly name = 'disruption-controller';
  readonly #context: ComponentContext;
  readonly #recorder: EventRecorder;
  readonly #informers;
  readonly #scales: ScaleSources;
  readonly #budgetQueue: Controller;
  readonly #podQueue: Controller;

  constructor(context: ComponentContext) {
    this.#context = context;
    this.#recorder = context.recorder('controllermanager');
    const { informers, client, clock, log } = context;
    const namespaceOf = ({ metadata }: Stored<Pod>) => [metadata.namespace ?? ''];
    this.#informers = {
      budgets: informers.of(podDisruptionBudgets),
      pods: informers.of(pods).addIndex(BY_NAMESPACE, namespaceOf),
      deployments: informers.of(deployments),
      sets: informers.of(replicaSets),
      statefulSets: informers.of(statefulSets),
      definitions: informers.of(customResourceDefinitions),
    };
    this.#scales = { client, ...this.#informers };
    const queue = (
      what: string,
      reconcile: (key: string, signal: AbortSignal) => Promise<number | undefined>,
    ) => new Controller({ name: `${this.name}${what}`, clock, log, workers: 1, reconcile });
    this.#budgetQueue = queue('', (key, signal) => this.#reconcile(key, signal));
    this.#podQueue = queue(' pod', (key, signal) => this.#reconcilePod(key, signal));
  }

  start(signal: AbortSignal): Promise<void> {
    return runControllers(signal, {
      informers: this.#informers,
      listen: () => this.#listen(),
      loops: [this.#budgetQueue, this.#podQueue],
    });
  }

  #listen(): (() => void)[] {
    const changed = (budget: Stored<PodDisruptionBudget>) => this.#budgetQueue.enqueue(keyOf(budget));
    const podChanged = (pod: Stored<Pod>, previous?: Stored<Pod>) => {
      const budgets = this.#budgetsOf(pod);
      for (const budget of budgets) changed(budget);
      if (previous) for (const budget of this.#budgetsOf(previous)) changed(budget);
      if (budgets.length > 1) this.#tellOfMany(pod, budgets[0]!);
      if (staleConditionMs(pod, this.#context.clock.now()) !== undefined) this.#podQueue.enqueue(keyOf(pod));
    };
    return [
      this.#informers.budgets.on({ added: changed, updated: changed }),
      this.#informers.pods.on({
        added: (pod) => podChanged(pod),
        updated: podChanged,
        deleted: (pod) => {
          for (const budget of this.#budgetsOf(pod)) changed(budget);
        },
      }),
    ];
  }

  #budgetsOf(pod: Stored<Pod>): Stored<PodDisruptionBudget>[] {
    if (this.#informers.budgets.size === 0) return [];
    return [...this.#informers.budgets.values()].filter(
      ({ metadata, spec }) => metadata.namespace === pod.metadata.namespace && selects(spec?.selector, pod),
    );
  }

  #tellOfMany(pod: Stored<Pod>, chosen: Stored<PodDisruptionBudget>): void {
    const { namespace, name } = pod.metadata;
    const text = `Pod "${namespace}"/"${name}" matches multiple PodDisruptionBudgets.  Chose "${chosen.metadata.name}" arbitrarily.`;
    this.#recorder.event(pod, 'Warning', 'MultiplePodDisruptionBudgets', text);
  }

  async #reconcile(key: string, signal: AbortSignal): Promise<number | undefined> {
    const budget = this.#informers.budgets.byKey(key);
    if (!budget) return undefined;
    const { clock } = this.#context;
    try {
      return await this.#sync(budget, signal);
    } catch (error) {
      if (isConflict(error) || signal.aborted) throw error;
      const status = failedStatus(budget, errorMessage(error), rfc3339(clock.now()));
      await this.#writeStatus(budget, status, signal);
      throw error;
    }
  }

  async #sync(budget: Stored<PodDisruptionBudget>, signal: AbortSignal): Promise<number | undefined> {
    const nowMs = this.#context.clock.now();
    const inNamespace = this.#informers.pods.byIndex(BY_NAMESPACE, budget.metadata.namespace ?? '');
    const own = inNamespace.filter((pod) => selects(budget.spec?.selector, pod));
    if (own.length === 0) this.#recorder.event(budget, 'Normal', 'NoPods', 'No matching pods found');
    const scale = needsScale(budget) ? await this.#scaleOf(budget, own, signal) : 0;
    const found = disruptions(budget, own, nowMs);
    this.#tellOfMissed(budget, found);
    const expected = expectation(budget, own.length, scale);
    await this.#writeStatus(budget, budgetStatus(budget, own, expected, found, rfc3339(nowMs)), signal);
    return found.recheckMs;
  }

  async #scaleOf(
    budget: Stored<PodDisruptionBudget>,
    own: readonly Stored<Pod>[],
    signal: AbortSignal,
  ): Promise<number> {
    try {
      const { replicas, unmanaged } = await totalScale(this.#scales, own, signal);
      if (unmanaged.length > 0) {
        const selector = goSelector(budget.spec?.selector ?? {});
        const text = `Pods selected by this PodDisruptionBudget (selector: ${selector}) were found to be unmanaged. As a result, the status of the PDB cannot be calculated correctly, which may result in undefined behavior. To account for these pods please set ".spec.minAvailable" field of the PDB to an integer value.`;
        this.#recorder.event(budget, 'Warning', 'UnmanagedPods', text);
      }
      return replicas;
    } catch (error) {
      const text = `Failed to calculate the number of expected pods: ${errorMessage(error)}`;
      this.#recorder.event(budget, 'Warning', 'CalculateExpectedPodCountFailed', text);
      throw error;
    }
  }

  #tellOfMissed({ metadata }: Stored<PodDisruptionBudget>, { missed }: Disruptions): void {
    for (const pod of missed) {
      // Twice the namespace: the words are upstream's.
      const text = `Pod was expected by PDB ${metadata.namespace}/${metadata.namespace} to be deleted but it wasn't`;
      this.#recorder.event(pod, 'Warning', 'NotDeleted', text);
    }
  }

  async #writeStatus(
    budget: Stored<PodDisruptionBudget>,
    wanted: PodDisruptionBudgetStatus,
    signal: AbortSignal,
  ): Promise<void> {
    const always = ['currentHealthy', 'desiredHealthy', 'disruptionsAllowed', 'expectedPods'] as const;
    const complete = { disruptedPods: undefined, ...wanted };
    const status = nextStatus(budget.status, complete, always);
    if (status) await writeStatus(this.#context.client, podDisruptionBudgets, { ...budget, status }, signal);
  }

  /** A pod that was to be disrupted and was not is so no more. */
  async #reconcilePod(key: string, signal: AbortSignal): Promise<number | undefined> {
    const { client, clock } = this.#context;
    const pod = this.#informers.pods.byKey(key);
    const waitMs = pod && staleConditionMs(pod, clock.now());
    if (!pod || waitMs === undefined || waitMs > 0) return waitMs;
    const condition = { type: 'DisruptionTarget', status: 'False' };
    const conditions = changedPodConditions(pod, condition, rfc3339(clock.now()));
    if (!conditions) return undefined;
    const { uid, resourceVersion } = pod.metadata;
    const body = { metadata: { uid, resourceVersion }, status: { conditions } };
    await client.patch(pods, splitKey(key), { type: 'merge', body }, { subresource: 'status', signal });
    return undefined;
  }
}
