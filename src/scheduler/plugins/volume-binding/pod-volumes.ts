import {
  ANN_SELECTED_NODE,
  annotation,
  type CSINode,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type Stored,
  volumeReaches,
} from '../../../kube/index.ts';
import type { NodeInfo } from '../../node-info.ts';
import { type Rejection, unresolvable } from '../../status.ts';
import { volumeOnNode } from '../migrated-volume.ts';
import { type Candidates, findMatchingVolume } from './find-matching-volume.ts';
import { canProvision, type ProvisionTerms } from './provisioning.ts';

type Volume = Stored<PersistentVolume>;
type Claim = Stored<PersistentVolumeClaim>;

const NODE_CONFLICT = unresolvable("node(s) didn't match PersistentVolume's node affinity");
const BIND_CONFLICT = unresolvable("node(s) didn't find available persistent volumes to bind");
const NOT_ENOUGH_SPACE = unresolvable('node(s) did not have enough free storage');
const NO_VOLUME = unresolvable('node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)');
const NODE_AND_BIND_CONFLICT = unresolvable(...NODE_CONFLICT.reasons, ...BIND_CONFLICT.reasons);
const NODE_CONFLICT_AND_SPACE = unresolvable(...NODE_CONFLICT.reasons, ...NOT_ENOUGH_SPACE.reasons);
const BIND_CONFLICT_AND_NO_VOLUME = unresolvable(...BIND_CONFLICT.reasons, ...NO_VOLUME.reasons);
const SPACE_AND_NO_VOLUME = unresolvable(...NOT_ENOUGH_SPACE.reasons, ...NO_VOLUME.reasons);

/** An unbound claim that waits for its first consumer. */
export interface DelayedClaim {
  readonly claim: Claim;
  readonly candidates: Candidates;
  readonly terms: ProvisionTerms;
}

/** The claims of a pod and what they may become. */
export interface PodVolumeClaims {
  /** With their volumes; `undefined` for a volume that is not there. */
  readonly bound: readonly (Volume | undefined)[];
  /** The smallest request first, so that small claims leave the large volumes to large ones. */
  readonly delayed: readonly DelayedClaim[];
}

/** What is to be done for a pod's claims when it goes to a certain node. */
export interface PodVolumes {
  readonly bindings: readonly { readonly claim: Claim; readonly volume: Volume }[];
  readonly provisions: readonly Claim[];
}

/** How all claims of the pod are served on the node, or why they cannot be. (volumebinding, FindPodVolumes) */
export function findPodVolumes(
  claims: PodVolumeClaims,
  { node, labels }: NodeInfo,
  csiNode?: CSINode,
): PodVolumes | Rejection {
  const boundVerdict = checkBound(claims.bound, node, csiNode);
  const served = serveDelayed(claims.delayed, node.metadata.name, node, labels);
  if (boundVerdict === undefined || !('code' in served)) return boundVerdict ?? served;
  if (boundVerdict === NODE_CONFLICT) {
    return served === BIND_CONFLICT ? NODE_AND_BIND_CONFLICT : NODE_CONFLICT_AND_SPACE;
  }
  return served === BIND_CONFLICT ? BIND_CONFLICT_AND_NO_VOLUME : SPACE_AND_NO_VOLUME;
}

function checkBound(
  volumes: PodVolumeClaims['bound'],
  node: Parameters<typeof volumeReaches>[1],
  csiNode: CSINode | undefined,
): Rejection | undefined {
  for (const volume of volumes) {
    if (volume === undefined) return NO_VOLUME;
    if (!volumeReaches(volumeOnNode(volume, csiNode), node)) return NODE_CONFLICT;
  }
  return undefined;
}

function serveDelayed(
  delayed: readonly DelayedClaim[],
  nodeName: string,
  node: Parameters<typeof volumeReaches>[1],
  labels: Readonly<Record<string, string>>,
): PodVolumes | Rejection {
  const bindings: { claim: Claim; volume: Volume }[] = [];
  const toProvision: DelayedClaim[] = [];
  const toMatch: DelayedClaim[] = [];
  for (const item of delayed) {
    const selected = annotation(item.claim, ANN_SELECTED_NODE);
    if (selected === undefined) toMatch.push(item);
    // Its volume is being made for that node.
    else if (selected !== nodeName) return BIND_CONFLICT;
    else toProvision.push(item);
  }
  const taken = new Set<string>();
  for (const item of toMatch) {
    const volume = findMatchingVolume(item.candidates, node, taken);
    if (volume) {
      taken.add(volume.metadata.name);
      bindings.push({ claim: item.claim, volume });
    } else toProvision.push(item);
  }
  for (const { terms } of toProvision) {
    const verdict = canProvision(terms, labels);
    if (verdict !== 'yes') return verdict === 'no' ? BIND_CONFLICT : NOT_ENOUGH_SPACE;
  }
  return { bindings, provisions: toProvision.map(({ claim }) => claim) };
}
