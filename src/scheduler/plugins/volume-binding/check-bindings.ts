import {
  ANN_BIND_COMPLETED,
  ANN_SELECTED_NODE,
  annotation,
  type CSINode,
  keyOf,
  type Node,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type Stored,
  volumeReaches,
} from '../../../kube/index.ts';
import { volumeOnNode } from '../migrated-volume.ts';
import type { PodVolumes } from './pod-volumes.ts';

type Volume = Stored<PersistentVolume>;
type Claim = Stored<PersistentVolumeClaim>;

/** The cluster as the informers have it. */
export interface BindingView {
  node(name: string): Node | undefined;
  csiNode(name: string): CSINode | undefined;
  isPodThere(): boolean;
  volume(name: string): Volume | undefined;
  claim(key: string): Claim | undefined;
}

/** Bound on both sides: the claim names its volume, and the PV controller has said that it is done. */
export function isFullyBound(claim: PersistentVolumeClaim): boolean {
  return Boolean(claim.spec?.volumeName) && annotation(claim, ANN_BIND_COMPLETED) !== undefined;
}

/**
 * Whether everything that was written for the pod (`written`) has led to bound claims; false: not yet.
 * @throws Error when it never will, so that the pod must be scheduled again: an object is gone, the volume cannot be
 *   reached from the node, the provisioner has given the claim back. (volumebinding, checkBindings)
 */
export function checkBindings(
  written: PodVolumes,
  pod: { readonly name: string; readonly nodeName: string },
  view: BindingView,
): boolean {
  const { nodeName } = pod;
  const node = view.node(nodeName);
  if (!node) throw new Error(`failed to get node "${nodeName}": node "${nodeName}" not found`);
  if (!view.isPodThere()) throw new Error(`pod does not exist any more: pod "${pod.name}" not found`);
  const csiNode = view.csiNode(nodeName);
  for (const binding of written.bindings) {
    const volume = view.volume(binding.volume.metadata.name);
    const claim = view.claim(keyOf(binding.claim));
    if (!volume) {
      throw new Error(
        `failed to check binding: persistentvolumes "${binding.volume.metadata.name}" not found`,
      );
    }
    if (!claim) {
      throw new Error(`failed to check binding: persistentvolumeclaims "${keyOf(binding.claim)}" not found`);
    }
    if (isOlder(volume, binding.volume)) return false;
    requireReach(volumeOnNode(volume, csiNode), node, nodeName);
    if (!volume.spec?.claimRef?.uid) throw new Error(`ClaimRef got reset for pv "${volume.metadata.name}"`);
    if (!isFullyBound(claim)) return false;
  }
  for (const provision of written.provisions) {
    const key = keyOf(provision);
    const claim = view.claim(key);
    if (!claim) {
      throw new Error(`failed to check provisioning pvc: persistentvolumeclaims "${key}" not found`);
    }
    if (isOlder(claim, provision)) return false;
    if (claim.metadata.annotations === undefined) {
      throw new Error(`selectedNode annotation reset for PVC "${claim.metadata.name}"`);
    }
    // The provisioner takes the annotation away when it gives the node up.
    if (annotation(claim, ANN_SELECTED_NODE) !== nodeName) {
      throw new Error(`provisioning failed for PVC "${claim.metadata.name}"`);
    }
    if (claim.spec?.volumeName) {
      const volume = view.volume(claim.spec.volumeName);
      // The claim may be heard of before its volume.
      if (!volume) return false;
      requireReach(volumeOnNode(volume, csiNode), node, nodeName);
    }
    if (!isFullyBound(claim)) return false;
  }
  return true;
}

function requireReach(volume: Volume, node: Node, nodeName: string): void {
  if (volumeReaches(volume, node)) return;
  throw new Error(
    `pv "${volume.metadata.name}" node affinity doesn't match node "${nodeName}": no matching NodeSelectorTerms`,
  );
}

/** Whether the informer has not come as far as our own write. */
function isOlder(seen: Volume | Claim, written: Volume | Claim): boolean {
  return BigInt(seen.metadata.resourceVersion) < BigInt(written.metadata.resourceVersion);
}
