import { type Component, type ComponentContext, runControllers } from '../../client/index.ts';
import {
  controllerOf,
  type Deployment,
  deployments,
  pods,
  replicaSets,
  type Stored,
} from '../../kube/index.ts';
import { BY_CONTROLLER, candidatesOf, controlled, Workload } from '../workload/index.ts';
import { DeploymentSync } from './deployment-sync.ts';

const NAME = 'deployment-controller';

/** Runs Deployments: a ReplicaSet for each template, the newest grown as the old ones shrink. */
export function createDeploymentController(context: ComponentContext): Component {
  const { client, clock } = context;
  const recorder = context.recorder(NAME);
  const setInformer = controlled(context, replicaSets);
  const podInformer = controlled(context, pods);
  const workload = new Workload<Deployment>(context, {
    name: NAME,
    resource: deployments,
    workers: 5,
    reconcile,
  });

  async function reconcile(deployment: Stored<Deployment>, signal: AbortSignal): Promise<number | undefined> {
    const candidates = candidatesOf(setInformer, deployment);
    const sets = await workload.claim(deployment, replicaSets, candidates, signal);
    const sync = new DeploymentSync({
      client,
      clock,
      recorder,
      signal,
      deployment,
      sets,
      podsOf: ({ metadata }) => podInformer.byIndex(BY_CONTROLLER, metadata.uid),
    });
    return await sync.run();
  }

  return {
    name: NAME,
    start: (signal) =>
      runControllers(signal, {
        informers: { deployments: workload.informer, setInformer, podInformer },
        listen: () => [
          workload.listen(),
          setInformer.on(workload.dependents()),
          // Recreate waits for the last old pod.
          podInformer.on({
            deleted(pod) {
              const owner = controllerOf(pod);
              const set = owner && setInformer.get(owner.name, pod.metadata.namespace);
              if (set && set.metadata.uid === owner.uid) workload.lookAtOwnersOf(set);
            },
          }),
        ],
        loops: [workload],
      }),
  };
}
