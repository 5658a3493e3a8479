import {
  ANN_BIND_COMPLETED,
  ANN_BOUND_BY_CONTROLLER,
  ANN_SELECTED_NODE,
  annotation,
  claimClass,
  claimNamesClass,
  isBoundToClaim,
  keyOf,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type StorageClass,
  type Stored,
} from '../../kube/index.ts';
import { mismatch } from '../../volume/binding/index.ts';
import type { Provisioner } from '../../volume/index.ts';
import { type EventText, normal, warning } from './decision.ts';
import { type ControlPlugins, provisionerOf } from './plugins.ts';

type Volume = Stored<PersistentVolume>;
type Claim = Stored<PersistentVolumeClaim>;

/** What the decision looks at beside the claim. */
export interface ClaimView {
  readonly plugins: ControlPlugins;
  volume(name: string): Volume | undefined;
  findBestMatch(claim: Claim, delayBinding: boolean): Volume | undefined;
  storageClass(name: string): StorageClass | undefined;
  defaultClass(): string | undefined;
  /** Names of the claim's live pods that have no node yet. */
  unscheduledPods(claim: Claim): readonly string[];
}

/** What to do about a claim now. */
export type ClaimDecision =
  /** Bring both objects to Bound. */
  | { readonly action: 'bind'; readonly volume: Volume }
  /** Phase Pending until something changes. */
  | { readonly action: 'wait'; readonly event?: EventText }
  /** Phase Lost; the event tells of the change, so it is sent once. */
  | { readonly action: 'lose'; readonly event: EventText }
  /** The claim named no class and there is a default one: write it into the claim. */
  | { readonly action: 'assignClass'; readonly className: string }
  /** Ask the external provisioner, by annotation. */
  | { readonly action: 'handOver'; readonly provisioner: string; readonly event: EventText }
  /** Have an in-tree plugin make a volume. */
  | {
      readonly action: 'provision';
      readonly storageClass: StorageClass;
      readonly plugin: string;
      readonly provisioner: Provisioner;
    }
  /** Nobody can provision it as things are. */
  | { readonly action: 'cannotProvision'; readonly event: EventText }
  /** Somebody broke what only the controller may write. */
  | { readonly action: 'fail'; readonly event: EventText; readonly error: string };

/** Source: syncClaim of Kubernetes 1.36, persistentvolume controller. */
export function syncClaim(claim: Claim, view: ClaimView): ClaimDecision {
  if (annotation(claim, ANN_BIND_COMPLETED) !== undefined) {
    const { volumeName } = claim.spec ?? {};
    return syncBoundClaim(claim, volumeName ? view.volume(volumeName) : undefined);
  }
  return claim.spec?.volumeName
    ? syncClaimForVolume(claim, claim.spec.volumeName, view)
    : syncFreeClaim(claim, view);
}

/** The claim takes any volume that fits. */
function syncFreeClaim(claim: Claim, view: ClaimView): ClaimDecision {
  const className = claimClass(claim);
  const delayBinding =
    className !== '' && view.storageClass(className)?.volumeBindingMode === 'WaitForFirstConsumer';
  const volume = view.findBestMatch(claim, delayBinding);
  if (volume) return { action: 'bind', volume };

  const defaultClass = claimNamesClass(claim) ? undefined : view.defaultClass();
  if (defaultClass !== undefined) return { action: 'assignClass', className: defaultClass };
  // Present is enough: the annotation is the scheduler's word that a pod of this claim has a node.
  if (delayBinding && annotation(claim, ANN_SELECTED_NODE) === undefined) {
    return { action: 'wait', event: waitingForConsumer(view.unscheduledPods(claim)) };
  }
  if (className !== '') return provision(view, className);
  return {
    action: 'wait',
    event: normal(
      'FailedBinding',
      'no persistent volumes available for this claim and no storage class is set',
    ),
  };
}

function waitingForConsumer(pods: readonly string[]): EventText {
  if (pods.length === 0) {
    return normal('WaitForFirstConsumer', 'waiting for first consumer to be created before binding');
  }
  const who = pods.length === 1 ? `pod ${pods[0]}` : `pods ${pods.join(',')}`;
  return normal('WaitForPodScheduled', `waiting for ${who} to be scheduled`);
}

function provision(view: ClaimView, className: string): ClaimDecision {
  const storageClass = view.storageClass(className);
  const found = provisionerOf(view.plugins, storageClass, className);
  if ('error' in found) {
    return { action: 'cannotProvision', event: warning('ProvisioningFailed', found.error) };
  }
  if ('plugin' in found) return { action: 'provision', storageClass: storageClass!, ...found };
  const provisioner = found.external;
  const message =
    `Waiting for a volume to be created either by the external provisioner '${provisioner}' ` +
    'or manually by the system administrator. If volume creation is delayed, please verify that ' +
    'the provisioner is running and correctly registered.';
  return { action: 'handOver', provisioner, event: normal('ExternalProvisioning', message) };
}

/** The claim names its volume but was never bound. */
function syncClaimForVolume(claim: Claim, volumeName: string, view: ClaimView): ClaimDecision {
  const volume = view.volume(volumeName);
  if (!volume) return { action: 'wait' };
  if (!volume.spec?.claimRef) {
    const why = mismatch(volume, claim);
    if (why === undefined) return { action: 'bind', volume };
    const message = `Cannot bind to requested volume ${JSON.stringify(volumeName)}: ${why}`;
    return { action: 'wait', event: warning('VolumeMismatch', message) };
  }
  if (isBoundToClaim(volume, claim)) return { action: 'bind', volume };
  const event = warning(
    'FailedBinding',
    `volume ${JSON.stringify(volumeName)} already bound to a different claim.`,
  );
  if (annotation(claim, ANN_BOUND_BY_CONTROLLER) === undefined) return { action: 'wait', event };
  // Only by somebody removing bind-completed from the claim.
  const { namespace, name } = volume.spec.claimRef;
  return {
    action: 'fail',
    event,
    error:
      `invalid binding of claim ${JSON.stringify(keyOf(claim))} to volume ${JSON.stringify(volumeName)}: ` +
      `volume already claimed by ${JSON.stringify(`${namespace}/${name}`)}`,
  };
}

/**
 * The claim was bound before, to `volume` if that is still there. It is never bound to another: that one would have
 * other data.
 */
export function syncBoundClaim(claim: Claim, volume: Volume | undefined): ClaimDecision {
  const lose = (reason: string, message: string): ClaimDecision => ({
    action: 'lose',
    event: warning(reason, message),
  });
  if (!claim.spec?.volumeName) {
    return lose(
      'ClaimLost',
      'Bound claim has lost reference to PersistentVolume. Data on the volume is lost!',
    );
  }
  if (!volume) {
    return lose('ClaimLost', 'Bound claim has lost its PersistentVolume. Data on the volume is lost!');
  }
  const reference = volume.spec?.claimRef;
  if (!reference || reference.uid === claim.metadata.uid) return { action: 'bind', volume };
  return lose('ClaimMisbound', 'Two claims are bound to the same volume, this one is bound incorrectly');
}
