import { type BackoffPolicy, backoffDelay, errorMessage, Metrics } from '../../base/index.ts';
import {
  type Component,
  type ComponentContext,
  Controller,
  type EventRecorder,
  ignoreNotFound,
  runControllers,
} from '../../client/index.ts';
import {
  hasFinalizer,
  isAlreadyExists,
  isBeingDeleted,
  keyOf,
  type PersistentVolumeClaim,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  type Stored,
  withFinalizer,
  withoutFinalizer,
} from '../../kube/index.ts';
import { checkGrant } from './grant.ts';
import { type PopulatorMetrics, populatorMetrics } from './metrics.ts';
import { nodeFor, podFor, primeFor, rebinding } from './objects.ts';
import { nextStep, type Step, type World } from './plan.ts';
import { namesOf, type PopulationParameters, type PopulatorOptions } from './population.ts';
import { sourceOf, Worlds } from './world.ts';

/** How often functions are asked whether they are through. */
const BETWEEN_LOOKS: BackoffPolicy = { initialMs: 100, maxMs: 10_000 };
/** Before a pod that fails again and again is made once more; the first time at once. */
const BETWEEN_PODS: BackoffPolicy = { initialMs: 1_000, maxMs: 300_000 };

type Claim = Stored<PersistentVolumeClaim>;

/**
 * Fills the volumes of claims whose dataSourceRef names an object of a kind of yours: an empty volume is made for another
 * claim, filled, and given to the claim. The kind should be registered by a VolumePopulator. Source: the
 * populator-machinery of kubernetes-csi/lib-volume-populator.
 */
export function createPopulator(
  context: ComponentContext,
  options: PopulatorOptions & { /** @default nobody asks */ readonly metrics?: Metrics },
): Component {
  const populator = new Populator(context, options);
  return {
    name: namesOf(options.prefix).component,
    start: (signal) =>
      runControllers(signal, {
        informers: populator.worlds.informers,
        listen: () => populator.worlds.listen((claim) => populator.queue.enqueue(keyOf(claim))),
        loops: [populator.queue],
      }),
  };
}

class Populator {
  readonly queue: Controller;
  readonly worlds: Worlds;
  readonly #context: ComponentContext;
  readonly #options: PopulatorOptions;
  readonly #recorder: EventRecorder;
  readonly #metrics: PopulatorMetrics;
  readonly #looks = new Map<string, number>();
  readonly #failures = new Map<string, { count: number; atMs: number }>();

  constructor(context: ComponentContext, options: PopulatorOptions & { readonly metrics?: Metrics }) {
    const { clock, log } = context;
    this.#context = context;
    this.#options = options;
    const { component } = namesOf(options.prefix);
    this.#recorder = context.recorder(component);
    this.#metrics = populatorMetrics(options.metrics ?? new Metrics(), clock);
    this.worlds = new Worlds(context, options);
    this.queue = new Controller({
      name: component,
      clock,
      log,
      reconcile: (key) => this.#reconcile(key),
    });
  }

  async #reconcile(key: string): Promise<number | undefined> {
    const claim = this.worlds.claimOf(key);
    if (!claim) {
      this.#looks.delete(key);
      this.#failures.delete(key);
      return undefined;
    }
    if (!isBeingDeleted(claim)) await checkGrant(claim, this.#context.client, this.#options);
    const world = this.worlds.of(claim);
    const by = 'pod' in this.#options.by ? 'pod' : 'functions';
    return this.#take(nextStep(world, by, namesOf(this.#options.prefix).finalizer), world, key);
  }

  async #take(step: Step, world: World, key: string): Promise<number | undefined> {
    const { claim } = world;
    switch (step) {
      case 'nothing':
        return undefined;
      case 'tell that the source is missing': {
        const { namespace, name } = sourceOf(claim)!;
        this.#tell(
          claim,
          'Warning',
          'PopulatorDataSourceNotFound',
          `Data source ${namespace}/${name} not found`,
        );
        return undefined;
      }
      case 'protect the claim':
        await this.#finalizer(claim, true);
        return undefined;
      case 'make the prime claim':
        this.#metrics.started(claim.metadata.uid);
        await this.#makePrime(world);
        return undefined;
      case 'fill by functions':
        return this.#fill(world, key);
      case 'make the pod':
        return this.#makePod(world, key);
      case 'delete the failed pod':
        await this.#deleteFailed(world, key);
        return undefined;
      case 'rebind the volume':
        await this.#rebind(world);
        return undefined;
      case 'finish':
        // Once: the cache may be behind what was done already.
        if (await this.#cleanUp(world, key)) {
          this.#metrics.finished(claim.metadata.uid);
          this.#tell(claim, 'Normal', 'PopulatorFinished', 'Populator finished');
        }
        return undefined;
      case 'clean up':
        this.#metrics.dropped(claim.metadata.uid);
        await this.#cleanUp(world, key);
        return undefined;
    }
  }

  async #makePrime({ claim, class: storageClass }: World): Promise<void> {
    const { namespace, mutatePrime } = this.#options;
    const prime = primeFor(claim, namespace, nodeFor(claim, storageClass));
    const mutated = await this.#telling(
      claim,
      'reasonPVCPrimeMutatorError',
      'Failed to mutate populator pvcPrime',
      () => Promise.resolve(mutatePrime?.(prime, storageClass) ?? prime),
    );
    await this.#telling(claim, 'PopulatorPVCPrimeCreationError', 'Failed to create populator pvcPrime', () =>
      unlessThere(this.#context.client.create(persistentVolumeClaims, mutated)),
    );
  }

  async #makePod({ claim, source, class: storageClass }: World, key: string): Promise<number | undefined> {
    const { by, namespace } = this.#options;
    if (!('pod' in by)) return undefined;
    const waitMs = this.#waitMs(key);
    if (waitMs > 0) return waitMs;
    const pod = await podFor(claim, source!, by.pod, { namespace, node: nodeFor(claim, storageClass) });
    const isNew = await this.#telling(claim, 'PopulatorCreationError', 'Failed to create populator pod', () =>
      unlessThere(this.#context.client.create(pods, pod)),
    );
    if (isNew) this.#tell(claim, 'Normal', 'PopulatorCreated', 'Populator started');
    return undefined;
  }

  /** How long it is until a pod may be made again. */
  #waitMs(key: string): number {
    const failure = this.#failures.get(key);
    if (!failure || failure.count < 2) return 0;
    return failure.atMs + backoffDelay(BETWEEN_PODS, failure.count - 1) - this.#context.clock.now();
  }

  async #deleteFailed({ claim, pod }: World, key: string): Promise<void> {
    const { name, namespace, uid } = pod!.metadata;
    await ignoreNotFound(
      this.#context.client.delete(pods, { namespace: namespace!, name }, { preconditions: { uid } }),
    );
    const count = (this.#failures.get(key)?.count ?? 0) + 1;
    this.#failures.set(key, { count, atMs: this.#context.clock.now() });
    this.#tell(claim, 'Warning', 'PopulatorFailed', `Populator failed: ${pod!.status?.message ?? ''}`);
  }

  async #fill(world: World, key: string): Promise<number | undefined> {
    const { by } = this.#options;
    if (!('functions' in by)) return undefined;
    const { claim } = world;
    const parameters = parametersOf(world);
    await this.#telling(
      claim,
      'PopulateOperationStartError',
      'Failed to start populate operation',
      async () => by.functions.populate?.(parameters),
    );
    const isComplete = await this.#telling(
      claim,
      'PopulateOperationFailed',
      'Population operation failed',
      async () => (await by.functions.isComplete?.(parameters)) ?? true,
    );
    if (!isComplete) {
      const looks = (this.#looks.get(key) ?? 0) + 1;
      this.#looks.set(key, looks);
      return backoffDelay(BETWEEN_LOOKS, looks);
    }
    this.#looks.delete(key);
    this.#tell(claim, 'Normal', 'PopulateOperationFinished', 'Populate operation finished');
    if (world.volume) await this.#rebind(world);
    return undefined;
  }

  /** The PV controller sees the volume given to the claim, binds the two, and finds the prime claim without a volume. */
  async #rebind({ claim, volume }: World): Promise<void> {
    await this.#context.client.patch(
      persistentVolumes,
      { name: volume!.metadata.name },
      { type: 'strategic', body: rebinding(claim, this.#options.prefix) },
    );
  }

  /** Whether the claim was still protected, and is no more. */
  async #cleanUp(world: World, key: string): Promise<boolean> {
    const { client } = this.#context;
    const { by } = this.#options;
    const { claim, pod, prime } = world;
    if ('functions' in by) await by.functions.cleanUp?.(parametersOf(world));
    for (const [resource, object] of [
      [pods, pod],
      [persistentVolumeClaims, prime],
    ] as const) {
      if (!object || isBeingDeleted(object)) continue;
      const { namespace, name, uid } = object.metadata;
      await ignoreNotFound(
        client.delete(resource as typeof pods, { namespace: namespace!, name }, { preconditions: { uid } }),
      );
    }
    this.#looks.delete(key);
    this.#failures.delete(key);
    return this.#finalizer(claim, false);
  }

  /** Whether it had to be changed. */
  async #finalizer(claim: Claim, wanted: boolean): Promise<boolean> {
    const { finalizer } = namesOf(this.#options.prefix);
    if (hasFinalizer(claim, finalizer) === wanted) return false;
    const changed = wanted ? withFinalizer(claim, finalizer) : withoutFinalizer(claim, finalizer);
    return (await ignoreNotFound(this.#context.client.update(persistentVolumeClaims, changed))) !== undefined;
  }

  #tell(claim: Claim, type: 'Normal' | 'Warning', reason: string, message: string): void {
    this.#recorder.event(claim, type, reason, message);
  }

  /** What fails is told to the owner of the claim, and tried again. */
  async #telling<T>(claim: Claim, reason: string, what: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      this.#tell(claim, 'Warning', reason, `${what}: ${errorMessage(error)}`);
      throw error;
    }
  }
}

function parametersOf({ claim, prime, class: storageClass, source }: World): PopulationParameters {
  return { claim, prime, class: storageClass, source };
}

/** Its name has the claim's uid: what is there is ours, and the cache has not heard of it yet. */
async function unlessThere(request: Promise<unknown>): Promise<boolean> {
  try {
    await request;
    return true;
  } catch (error) {
    if (isAlreadyExists(error)) return false;
    throw error;
  }
}
