import { type Component, type ComponentContext, Controller, Informers } from '../../client/index.ts';
import {
  claimKeysOf,
  FINALIZER_PVC_PROTECTION,
  keyOf,
  type PersistentVolumeClaim,
  POD_PVC_INDEX,
  type Pod,
  persistentVolumeClaims,
  pods,
  type Stored,
  withFinalizer,
  withoutFinalizer,
} from '../../kube/index.ts';
import { podUsesClaim } from './claim-in-use.ts';
import { LivePods } from './live-pods.ts';
import { ignoreNotFound, mayGo, mustBeProtected } from './protection.ts';

const NAME = 'persistentvolumeclaim-protection-controller';
const WORKERS = 16;

/** Keeps a claim that is being deleted until no pod uses it. Source: pvcprotection. */
export function createClaimProtection(context: ComponentContext): Component {
  const { client, clock, log, informers } = context;
  const claimInformer = informers.of(persistentVolumeClaims);
  const podInformer = informers.of(pods).addIndex(POD_PVC_INDEX, claimKeysOf);
  const livePods = new LivePods(client);

  /** A pod may be missing from the cache only because the cache is behind: the server has the last word. */
  const isInUse = async (claim: Stored<PersistentVolumeClaim>): Promise<boolean> => {
    const uses = (pod: Pod) => podUsesClaim(pod, claim);
    if (podInformer.byIndex(POD_PVC_INDEX, keyOf(claim)).some(uses)) return true;
    return (await livePods.list(claim.metadata.namespace ?? '')).some(uses);
  };

  const controller = new Controller({
    name: NAME,
    clock,
    log,
    workers: WORKERS,
    async reconcile(key) {
      const claim = claimInformer.byKey(key);
      if (!claim) return;
      if (mayGo(claim, FINALIZER_PVC_PROTECTION)) {
        if (await isInUse(claim)) return;
        await ignoreNotFound(
          client.update(persistentVolumeClaims, withoutFinalizer(claim, FINALIZER_PVC_PROTECTION)),
        );
      } else if (mustBeProtected(claim, FINALIZER_PVC_PROTECTION)) {
        await client.update(persistentVolumeClaims, withFinalizer(claim, FINALIZER_PVC_PROTECTION));
      }
    },
  });

  const lookAtClaim = (claim: Stored<PersistentVolumeClaim>) => {
    if (mayGo(claim, FINALIZER_PVC_PROTECTION) || mustBeProtected(claim, FINALIZER_PVC_PROTECTION)) {
      controller.enqueue(keyOf(claim));
    }
  };
  const lookAtClaimsOf = (pod: Pod) => {
    for (const key of claimKeysOf(pod)) {
      const claim = claimInformer.byKey(key);
      if (claim && mayGo(claim, FINALIZER_PVC_PROTECTION)) controller.enqueue(key);
    }
  };

  return {
    name: NAME,
    async start(signal) {
      await Informers.synced(signal, claimInformer, podInformer);
      if (signal.aborted) return;
      const stops = [
        claimInformer.on({ added: lookAtClaim, updated: lookAtClaim }),
        podInformer.on({
          updated(pod, previous) {
            // A pod that keeps its node and its volumes can only go on using its claims, unless the kubelet is done.
            if (pod.metadata.uid !== previous.metadata.uid) lookAtClaimsOf(previous);
            if (pod.metadata.deletionTimestamp !== undefined || !pod.spec?.nodeName) lookAtClaimsOf(pod);
          },
          deleted: lookAtClaimsOf,
        }),
      ];
      await controller.run(signal);
      for (const stop of stops) stop();
    },
  };
}
