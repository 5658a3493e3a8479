import { errorMessage } from '../../base/index.ts';
import { type Component, type ComponentContext, Controller, runControllers } from '../../client/index.ts';
import {
  claimKeysOf,
  claimNameOf,
  isBeingDeleted,
  keyOf,
  notMadeFor,
  POD_PVC_INDEX,
  type Pod,
  persistentVolumeClaims,
  pods,
  type Stored,
  type Volume,
} from '../../kube/index.ts';
import { claimFor } from './claim-for.ts';

/** event.source.component, as upstream's. */
const COMPONENT = 'ephemeral_volume';
const WORKERS = 16;

/**
 * Makes the claims of pods' generic ephemeral volumes, and makes them again when they are deleted under the pod. A
 * claim of that name that the pod does not own is left alone, and an event on the pod says so. That the claim goes with
 * the pod is the garbage collector's doing. Source: ephemeral-volume-controller.
 */
export function createEphemeralVolumeController(context: ComponentContext): Component {
  const { client, clock, log, informers } = context;
  const recorder = context.recorder(COMPONENT);
  const claimInformer = informers.of(persistentVolumeClaims);
  const podInformer = informers.of(pods).addIndex(POD_PVC_INDEX, claimKeysOf);

  const ensureClaim = async (pod: Stored<Pod>, volume: Volume): Promise<void> => {
    const name = claimNameOf(pod, volume)!;
    const existing = claimInformer.get(name, pod.metadata.namespace);
    if (existing) {
      const foreign = notMadeFor(pod, existing);
      if (foreign !== undefined) throw new Error(foreign);
      return;
    }
    try {
      await client.create(persistentVolumeClaims, claimFor(pod, volume));
    } catch (error) {
      throw new Error(`create PVC ${name}: ${errorMessage(error)}`, { cause: error });
    }
  };

  const controller = new Controller({
    name: COMPONENT,
    clock,
    log,
    workers: WORKERS,
    async reconcile(key) {
      const pod = podInformer.byKey(key);
      if (!pod || isBeingDeleted(pod)) return;
      for (const volume of ephemeralVolumes(pod)) {
        try {
          await ensureClaim(pod, volume);
        } catch (error) {
          const what = `ephemeral volume ${volume.name}: ${errorMessage(error)}`;
          recorder.event(pod, 'Warning', 'FailedBinding', what);
          throw new Error(`pod ${key}, ${what}`, { cause: error });
        }
      }
    },
  });

  // A pod's volumes never change: once looked at, it is of interest again only when a claim of its goes.
  const lookAt = (pod: Stored<Pod>) => {
    if (!isBeingDeleted(pod) && ephemeralVolumes(pod).length > 0) controller.enqueue(keyOf(pod));
  };
  return {
    name: COMPONENT,
    start: (signal) =>
      runControllers(signal, {
        informers: { claimInformer, podInformer },
        listen: () => [
          podInformer.on({
            added: lookAt,
            // One of the same name that took its place while nobody looked.
            updated: (pod, previous) => pod.metadata.uid !== previous.metadata.uid && lookAt(pod),
          }),
          claimInformer.on({
            deleted: (claim) => {
              for (const pod of podInformer.byIndex(POD_PVC_INDEX, keyOf(claim))) lookAt(pod);
            },
          }),
        ],
        loops: [controller],
      }),
  };
}

function ephemeralVolumes(pod: Pod): readonly Volume[] {
  return (pod.spec?.volumes ?? []).filter(({ ephemeral }) => ephemeral !== undefined);
}
