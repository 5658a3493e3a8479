import {
  type Component,
  type ComponentContext,
  Controller,
  type EventRecorder,
  Informers,
} from '../../client/index.ts';
import {
  controllerOf,
  type Deployment,
  deployments,
  type KubeObject,
  keyOf,
  pods,
  replicaSets,
  type Stored,
} from '../../kube/index.ts';
import { BY_CONTROLLER, candidatesOf, claimObjects, controllerIndex, selects } from '../workload/index.ts';
import { DeploymentSync } from './deployment-sync.ts';

/** Runs Deployments: a ReplicaSet for each template, the newest grown as the old ones shrink. */
export function createDeploymentController(context: ComponentContext): Component {
  return new DeploymentController(context);
}

class DeploymentController implements Component {
  readonly name = 'deployment-controller';
  readonly #context: ComponentContext;
  readonly #recorder: EventRecorder;
  readonly #informers;
  readonly #controller: Controller;

  constructor(context: ComponentContext) {
    this.#context = context;
    this.#recorder = context.recorder(this.name);
    const { informers, clock, log } = context;
    this.#informers = {
      deployments: informers.of(deployments),
      sets: informers.of(replicaSets).addIndex(BY_CONTROLLER, controllerIndex),
      pods: informers.of(pods).addIndex(BY_CONTROLLER, controllerIndex),
    };
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
    const stopListening = this.#listen();
    try {
      await this.#controller.run(signal);
    } finally {
      stopListening();
    }
  }

  #listen(): () => void {
    const { deployments, sets, pods } = this.#informers;
    const changed = (deployment: Stored<Deployment>) => this.#controller.enqueue(keyOf(deployment));
    const setChanged = (set: Stored<KubeObject>) => {
      for (const key of this.#deploymentsOf(set)) this.#controller.enqueue(key);
    };
    const stops = [
      deployments.on({ added: changed, updated: changed, deleted: changed }),
      sets.on({
        added: setChanged,
        updated: (set, previous) => {
          if (controllerOf(set)?.uid !== controllerOf(previous)?.uid) setChanged(previous);
          setChanged(set);
        },
        deleted: setChanged,
      }),
      // Recreate waits for the last old pod.
      pods.on({
        deleted: (pod) => {
          const owner = controllerOf(pod);
          const set = owner && sets.get(owner.name, pod.metadata.namespace);
          if (set && set.metadata.uid === owner.uid) setChanged(set);
        },
      }),
    ];
    return () => {
      for (const stop of stops) stop();
    };
  }

  /** The deployments that a set concerns: its controller, or whoever might adopt it. */
  #deploymentsOf(set: Stored<KubeObject>): string[] {
    const { deployments: informer } = this.#informers;
    const { namespace } = set.metadata;
    const controller = controllerOf(set);
    if (controller) {
      const found =
        controller.kind === deployments.kind ? informer.get(controller.name, namespace) : undefined;
      return found?.metadata.uid === controller.uid ? [keyOf(found)] : [];
    }
    return [...informer.values()]
      .filter((one) => one.metadata.namespace === namespace && selects(one.spec?.selector, set))
      .map(keyOf);
  }

  async #reconcile(key: string, signal: AbortSignal): Promise<number | undefined> {
    const deployment = this.#informers.deployments.byKey(key);
    if (!deployment) return undefined;
    const { client, clock } = this.#context;
    const sets = await claimObjects(
      client,
      replicaSets,
      { resource: deployments, object: deployment, selector: deployment.spec?.selector },
      candidatesOf(this.#informers.sets, deployment),
      signal,
    );
    const sync = new DeploymentSync({
      client,
      clock,
      recorder: this.#recorder,
      signal,
      deployment,
      sets,
      podsOf: ({ metadata }) => this.#informers.pods.byIndex(BY_CONTROLLER, metadata.uid),
    });
    return await sync.run();
  }
}
