import { rfc3339 } from '../../base/index.ts';
import {
  type Component,
  type ComponentContext,
  Controller,
  ignoreNotFound,
  runControllers,
} from '../../client/index.ts';
import {
  claimKeysOf,
  FINALIZER_PVC_PROTECTION,
  isBeingDeleted,
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
import { mayGo, mustBeProtected } from './protection.ts';
import { hasUnusedCondition, podRefersTo, withUnusedCondition } from './unused-condition.ts';

const NAME = 'persistentvolumeclaim-protection-controller';
const WORKERS = 16;
/** When to look again after a pod that only the server knows. */
const UNHEARD_OF_MS = 5_000;

export interface ClaimProtectionOptions {
  /** Whether claims tell since when no pod refers to them (PersistentVolumeClaimUnusedSinceTime). @default false */
  readonly tellUnused?: boolean;
}

/** Keeps a claim that is being deleted until no pod uses it. Source: pvcprotection. */
export function createClaimProtection(
  context: ComponentContext,
  { tellUnused = false }: ClaimProtectionOptions = {},
): Component {
  const { client, clock, log, informers } = context;
  const claimInformer = informers.of(persistentVolumeClaims);
  const podInformer = informers.of(pods).addIndex(POD_PVC_INDEX, claimKeysOf);
  const livePods = new LivePods(client);

  /** A pod may be missing from the cache only because the cache is behind: the server has the last word. */
  const knownUse = async (
    claim: Stored<PersistentVolumeClaim>,
    by: (pod: Stored<Pod>, claim: Stored<PersistentVolumeClaim>) => boolean,
  ): Promise<'cache' | 'server' | undefined> => {
    const uses = (pod: Stored<Pod>) => by(pod, claim);
    if (podInformer.byIndex(POD_PVC_INDEX, keyOf(claim)).some(uses)) return 'cache';
    return (await livePods.list(claim.metadata.namespace ?? '')).some(uses) ? 'server' : undefined;
  };

  const controller = new Controller({
    name: NAME,
    clock,
    log,
    workers: WORKERS,
    async reconcile(key) {
      let claim = claimInformer.byKey(key);
      if (!claim) return undefined;
      if (tellUnused && !isBeingDeleted(claim)) {
        const isUsed = (await knownUse(claim, podRefersTo)) !== undefined;
        const told = withUnusedCondition(claim, isUsed, rfc3339(clock.now()));
        if (told) claim = await client.update(persistentVolumeClaims, told, { subresource: 'status' });
      }
      if (mayGo(claim, FINALIZER_PVC_PROTECTION)) {
        const use = await knownUse(claim, podUsesClaim);
        // A pod that the cache learns of only by its absence is never told to have gone.
        if (use !== undefined) return use === 'server' ? UNHEARD_OF_MS : undefined;
        await ignoreNotFound(
          client.update(persistentVolumeClaims, withoutFinalizer(claim, FINALIZER_PVC_PROTECTION)),
        );
      } else if (mustBeProtected(claim, FINALIZER_PVC_PROTECTION)) {
        await client.update(persistentVolumeClaims, withFinalizer(claim, FINALIZER_PVC_PROTECTION));
      }
      return undefined;
    },
  });

  const lookAtClaim = (claim: Stored<PersistentVolumeClaim>) => {
    const isUntold = tellUnused && !hasUnusedCondition(claim);
    if (
      isUntold ||
      mayGo(claim, FINALIZER_PVC_PROTECTION) ||
      mustBeProtected(claim, FINALIZER_PVC_PROTECTION)
    ) {
      controller.enqueue(keyOf(claim));
    }
  };
  const lookAtClaimsOf = (pod: Pod) => {
    for (const key of claimKeysOf(pod)) {
      const claim = claimInformer.byKey(key);
      if (claim && (tellUnused || mayGo(claim, FINALIZER_PVC_PROTECTION))) controller.enqueue(key);
    }
  };

  return {
    name: NAME,
    start: (signal) =>
      runControllers(signal, {
        informers: { claimInformer, podInformer },
        listen: () => [
          claimInformer.on({ added: lookAtClaim, updated: lookAtClaim }),
          podInformer.on({
            added: (pod) => tellUnused && lookAtClaimsOf(pod),
            updated(pod, previous) {
              // A pod that keeps its node and its volumes can only go on using its claims, unless the kubelet is done.
              if (pod.metadata.uid !== previous.metadata.uid) lookAtClaimsOf(previous);
              if (tellUnused || pod.metadata.deletionTimestamp !== undefined || !pod.spec?.nodeName)
                lookAtClaimsOf(pod);
            },
            deleted: lookAtClaimsOf,
          }),
        ],
        loops: [controller],
      }),
  };
}
