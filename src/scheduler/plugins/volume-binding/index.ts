import type { Informer } from '../../../client/index.ts';
import {
  type CSIStorageCapacity,
  claimClass,
  compareQuantity,
  csiDrivers,
  csiNodes,
  csiStorageCapacities,
  isBeingDeleted,
  notMadeFor,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type StorageClass,
  type Stored,
  storageClasses,
} from '../../../kube/index.ts';
import { migratedPluginOf } from '../../../volume/migration/index.ts';
import { stateKey } from '../../cycle-state.ts';
import type { Plugin, PluginHandle } from '../../plugin.ts';
import type { PodClaim } from '../../pod-claims.ts';
import type { PodInfo } from '../../pod-info.ts';
import { SKIP, unresolvable } from '../../status.ts';
import { type AssumedVolumes, VolumeBinder } from './binder.ts';
import { type CapacityShape, capacityScore } from './capacity-score.ts';
import { isFullyBound } from './check-bindings.ts';
import { candidatesFor } from './find-matching-volume.ts';
import { volumeBindingInterests } from './interests.ts';
import { findPodVolumes, type PodVolumeClaims } from './pod-volumes.ts';
import { provisionTerms } from './provisioning.ts';

const IMMEDIATE_UNBOUND = unresolvable('pod has unbound immediate PersistentVolumeClaims');
const BY_CLASS = 'storageClassName';

const claimsOfPod = stateKey<PodVolumeClaims>('VolumeBinding claims');
const assumedVolumes = stateKey<AssumedVolumes>('VolumeBinding assumed');

export interface VolumeBindingOptions {
  /** @default 600_000 */
  readonly bindTimeoutMs?: number;
  /** Score nodes by how much of their storage the pod would use (StorageCapacityScoring). @default false */
  readonly capacityScoring?: boolean;
  /** @default the more stays free the better */
  readonly capacityShape?: CapacityShape;
}

/**
 * Only nodes that can reach the pod's bound volumes, and that can have volumes for its unbound claims, existing or to be
 * made. Once the node is chosen the volumes are held, written and waited for before the pod is bound.
 */
export function volumeBinding(
  handle: PluginHandle,
  options: VolumeBindingOptions = {},
): { plugin: Plugin; start: () => () => void } {
  const { client, informers, clock } = handle;
  const binder = new VolumeBinder({
    client,
    informers,
    clock,
    bindTimeoutMs: options.bindTimeoutMs ?? 600_000,
  });
  const classes = informers.of(storageClasses);
  const drivers = informers.of(csiDrivers);
  const nodesOfDrivers = informers.of(csiNodes);
  const capacities: Informer<CSIStorageCapacity> = informers
    .of(csiStorageCapacities)
    .addIndex(BY_CLASS, ({ storageClassName }) => [storageClassName]);
  const sources = {
    classOf: (name: string) => classes.byKey(name),
    driverOf: (name: string) => drivers.byKey(name),
    capacitiesOf: (className: string) => capacities.byIndex(BY_CLASS, className),
  };

  const plugin: Plugin = {
    name: 'VolumeBinding',
    interests: volumeBindingInterests,
    preFilter(state, pod) {
      if (pod.claims.length === 0) return SKIP;
      const claims: Stored<PersistentVolumeClaim>[] = [];
      for (const podClaim of pod.claims) {
        const claim = binder.claims.get(podClaim.key);
        const problem = problemOf(pod, podClaim, claim);
        if (problem) return unresolvable(problem);
        claims.push(claim!);
      }
      const found = sortOut(claims);
      if (found === undefined) return IMMEDIATE_UNBOUND;
      state.write(claimsOfPod, found);
      const isFree =
        found.delayed.length === 0 && found.bound.every((volume) => volume && reachesEverywhere(volume));
      return isFree ? SKIP : undefined;
    },
    filter(state, _pod, node) {
      const outcome = findPodVolumes(state.read(claimsOfPod)!, node, nodesOfDrivers.byKey(node.name));
      return 'code' in outcome ? outcome : undefined;
    },
    preScore: (state) =>
      options.capacityScoring && (state.read(claimsOfPod)?.delayed.length ?? 0) > 0 ? undefined : SKIP,
    score(state, _pod, node) {
      const claims = state.read(claimsOfPod)!;
      const volumes = findPodVolumes(claims, node, nodesOfDrivers.byKey(node.name));
      return 'code' in volumes ? 0 : capacityScore(claims, volumes, node.labels, options.capacityShape);
    },
    reserve(state, pod, nodeName) {
      const claims = state.read(claimsOfPod);
      if (!claims || claims.delayed.length === 0) return undefined;
      const node = handle.cluster.node(nodeName);
      if (!node) throw new Error(`node "${nodeName}" of pod ${pod.key} is gone`);
      // The cycle has not given up control since the filter said yes, so the same answer comes again.
      const volumes = findPodVolumes(claims, node, nodesOfDrivers.byKey(node.name));
      if ('code' in volumes) return volumes;
      state.write(assumedVolumes, binder.assume(volumes, nodeName));
      return undefined;
    },
    unreserve(state) {
      const assumed = state.read(assumedVolumes);
      if (assumed) binder.revert(assumed);
    },
    preBindPreFlight: (state) => (state.read(assumedVolumes) ? undefined : SKIP),
    preBind: (state, pod, nodeName, signal) =>
      binder.bind(pod, nodeName, state.read(assumedVolumes)!, signal),
  };
  return { plugin, start: () => binder.start() };

  /** `undefined` when one should have been bound before the pod came. */
  function sortOut(claims: readonly Stored<PersistentVolumeClaim>[]): PodVolumeClaims | undefined {
    const bound = [];
    const delayed = [];
    for (const claim of claims) {
      if (isFullyBound(claim)) bound.push(binder.volumes.get(claim.spec!.volumeName!));
      else if (claim.spec?.volumeName || !isDelayed(classes.byKey(claimClass(claim)))) return undefined;
      else {
        const volumes = binder.volumesFor(claim, claimClass(claim));
        delayed.push({
          claim,
          candidates: candidatesFor(claim, volumes),
          terms: provisionTerms(claim, sources),
        });
      }
    }
    const sizeOf = (claim: PersistentVolumeClaim) => claim.spec?.resources?.requests?.storage;
    delayed.sort((a, b) => compareQuantity(sizeOf(a.claim), sizeOf(b.claim)));
    return { bound, delayed };
  }
}

/** Why the pod cannot be scheduled because of this claim, whatever the node. */
function problemOf(
  pod: PodInfo,
  { name, ephemeral }: PodClaim,
  claim: Stored<PersistentVolumeClaim> | undefined,
): string | undefined {
  if (!claim) {
    return ephemeral
      ? `waiting for ephemeral volume controller to create the persistentvolumeclaim "${name}"`
      : `persistentvolumeclaim "${name}" not found`;
  }
  if (claim.status?.phase === 'Lost') {
    return `persistentvolumeclaim "${name}" bound to non-existent persistentvolume "${claim.spec?.volumeName ?? ''}"`;
  }
  if (isBeingDeleted(claim)) return `persistentvolumeclaim "${name}" is being deleted`;
  return ephemeral ? notMadeFor(pod.pod, claim) : undefined;
}

/** Whether it is sure that every node reaches the volume: not of one that a driver may see elsewhere than it says. */
function reachesEverywhere(volume: PersistentVolume): boolean {
  return !volume.spec?.nodeAffinity && migratedPluginOf(volume) === undefined;
}

/** @throws Error when the class does not say. */
function isDelayed(storageClass: Stored<StorageClass> | undefined): boolean {
  if (!storageClass) return false;
  if (storageClass.volumeBindingMode === undefined) {
    throw new Error(`VolumeBindingMode not set for StorageClass "${storageClass.metadata.name}"`);
  }
  return storageClass.volumeBindingMode === 'WaitForFirstConsumer';
}
