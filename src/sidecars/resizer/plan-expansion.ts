import { compareQuantity, type PersistentVolume, type PersistentVolumeClaim } from '../../kube/index.ts';

/** What is to be done for a claim that asks for more than it has; undefined: nothing, it is the node's turn. */
export interface Expansion {
  readonly newSize: string;
  /** It is another size than the one under way: what the claim says of that one counts no more. */
  readonly isNew: boolean;
}

/** What is known of the driver and of earlier tries. */
export interface Known {
  /** The driver grows volumes on the controller's side. */
  readonly inControlPlane: boolean;
  /** The last try failed for good: the driver is not growing the volume any more. */
  readonly failedForGood: boolean;
}

/** Only bound claims grow (pvcNeedResize). */
export function asksForMore({ spec, status }: PersistentVolumeClaim): boolean {
  return (
    status?.phase === 'Bound' &&
    Boolean(spec?.volumeName) &&
    compareQuantity(spec?.resources?.requests?.storage, status.capacity?.storage) > 0
  );
}

/** pvc.status.capacity has reached the volume's (isNodeExpandComplete). */
export function isExpandedOnNode(claim: PersistentVolumeClaim, volume: PersistentVolume): boolean {
  return compareQuantity(claim.status?.capacity?.storage, volume.spec?.capacity?.storage) >= 0;
}

/**
 * To which size. A size that was begun is carried to its end, for the driver may have got there already; only when that
 * is known to have failed, the size that the claim asks for by now takes its place. Source: expandAndRecover.
 */
export function planExpansion(
  claim: PersistentVolumeClaim,
  volume: PersistentVolume,
  known: Known,
): Expansion | undefined {
  const begun = claim.status?.allocatedResources?.storage;
  const wanted = claim.spec?.resources?.requests?.storage ?? '0';
  const newSize = sizeToReach(claim, volume, known, begun ?? wanted, wanted);
  if (newSize === undefined) return undefined;
  return { newSize, isNew: begun === undefined || compareQuantity(begun, newSize) !== 0 };
}

function sizeToReach(
  claim: PersistentVolumeClaim,
  volume: PersistentVolume,
  { inControlPlane, failedForGood }: Known,
  begun: string,
  wanted: string,
): string | undefined {
  const { allocatedResources, allocatedResourceStatuses, conditions = [] } = claim.status ?? {};
  const size = volume.spec?.capacity?.storage;
  const isLargeEnough = compareQuantity(size, wanted) >= 0;
  const status = allocatedResourceStatuses?.storage ?? '';
  switch (status) {
    case 'NodeResizePending':
    case 'NodeResizeInProgress':
      return isLargeEnough || compareQuantity(size, begun) >= 0 ? undefined : begun;
    case 'NodeResizeInfeasible':
      // The node may try again, once the driver has confirmed the size.
      return isLargeEnough && !inControlPlane ? wanted : begun;
    case 'ControllerResizeInProgress':
      return !isLargeEnough && failedForGood ? wanted : begun;
    case 'ControllerResizeInfeasible':
      return isLargeEnough ? begun : wanted;
    default:
      if (!isLargeEnough) return wanted;
      if (status === '' && allocatedResources?.storage !== undefined) return begun;
      // A server that is too old to know the statuses tells of the node's turn by the condition alone.
      return conditions.some((one) => one.type === 'FileSystemResizePending' && one.status === 'True')
        ? undefined
        : wanted;
  }
}
