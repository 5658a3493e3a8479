import { type Clock, errorMessage, sleep } from '../../base/index.ts';
import {
  ANN_BOUND_BY_CONTROLLER,
  ANN_PROVISIONED_BY,
  ANN_SELECTED_NODE,
  annotation,
  claimClass,
  FINALIZER_IN_TREE_PROVISIONER,
  isAlreadyExists,
  keyOf,
  type Node,
  type PersistentVolume,
  type PersistentVolumeClaim,
  referenceTo,
  type StorageClass,
  type Stored,
  withAnnotations,
  withMetadata,
} from '../../kube/index.ts';
import { type Provisioner, specFromPersistentVolume } from '../../volume/index.ts';
import type { Writes } from './binder.ts';
import { type EventText, normal, warning } from './decision.ts';
import { type ControlPlugins, deleterOf } from './plugins.ts';
import { withProvisioner } from './with-provisioner.ts';

type Claim = Stored<PersistentVolumeClaim>;

/** A volume that exists but has no object would be lost: its object is tried so often (createProvisionedPV…). */
const SAVE_TRIES = 5;
const SAVE_INTERVAL_MS = 10_000;

export interface ProvisionWorld extends Pick<Writes, 'saveClaim'> {
  readonly plugins: ControlPlugins;
  node(name: string): Stored<Node> | undefined;
  liveVolume(name: string): Promise<Stored<PersistentVolume> | undefined>;
  createVolume(volume: PersistentVolume): Promise<unknown>;
}

export interface Provisioning {
  readonly storageClass: StorageClass;
  /** The plugin's name. */
  readonly plugin: string;
  readonly provisioner: Provisioner;
  readonly world: ProvisionWorld;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  tell(event: EventText): void;
}

/**
 * Makes a volume for a claim, and the object that stands for it, bound to the claim from its beginning. The object's name
 * is the claim's uid: a claim gets one volume, however often this is tried. Source: provisionClaimOperation.
 */
export async function provisionVolume(given: Claim, provisioning: Provisioning): Promise<void> {
  const { storageClass, plugin, provisioner, world, tell } = provisioning;
  const refuse = (text: string): never => {
    tell(warning('ProvisioningFailed', text));
    throw new Error(text);
  };
  if (given.spec?.dataSource) {
    const only = 'Only CSI plugin can provision a claim with a datasource';
    refuse(`plugin ${JSON.stringify(plugin)} is not a CSI plugin. ${only}`);
  }
  const asked = withProvisioner(given, storageClass.provisioner);
  const claim = asked ? await world.saveClaim(asked) : given;
  const name = `pvc-${claim.metadata.uid}`;
  if (await world.liveVolume(name)) return;

  const className = JSON.stringify(storageClass.metadata?.name ?? '');
  const mountOptions = storageClass.mountOptions ?? [];
  if (mountOptions.length > 0 && !provisioner.supportsMountOptions) {
    const which = `StorageClass ${className} has mount options [${mountOptions.join(' ')}]`;
    refuse(`Mount options are not supported by the provisioner but ${which}`);
  }
  try {
    provisioner.check?.();
  } catch (error) {
    refuse(`Failed to create provisioner: ${errorMessage(error)}`);
  }
  const nodeName = annotation(claim, ANN_SELECTED_NODE);
  const selectedNode = nodeName === undefined ? undefined : world.node(nodeName);
  if (nodeName !== undefined && !selectedNode)
    refuse(`Failed to get target node: node ${JSON.stringify(nodeName)} not found`);

  let made: PersistentVolume;
  try {
    made = await provisioner.provision({
      name,
      claim,
      reclaimPolicy: storageClass.reclaimPolicy ?? 'Delete',
      mountOptions,
      parameters: storageClass.parameters ?? {},
      selectedNode,
      allowedTopologies: storageClass.allowedTopologies ?? [],
    });
  } catch (error) {
    await reschedule(claim, world);
    return refuse(`Failed to provision volume with StorageClass ${className}: ${errorMessage(error)}`);
  }
  const volume = boundVolume(made, claim, plugin);
  const failure = await keepTrying(provisioning, () => saved(world, volume));
  if (failure === undefined) {
    tell(normal('ProvisioningSucceeded', `Successfully provisioned volume ${name} using ${plugin}`));
  } else {
    await undo(volume as Stored<PersistentVolume>, keyOf(claim), failure, provisioning);
  }
}

/** Source: provisionClaimOperation; a volume with policy Delete is kept until its data is deleted. */
function boundVolume(made: PersistentVolume, claim: Claim, plugin: string): PersistentVolume {
  const volume = withAnnotations(made, { [ANN_BOUND_BY_CONTROLLER]: 'yes', [ANN_PROVISIONED_BY]: plugin });
  const isDeleted = made.spec?.persistentVolumeReclaimPolicy === 'Delete';
  return {
    ...withMetadata(volume, isDeleted ? { finalizers: [FINALIZER_IN_TREE_PROVISIONER] } : {}),
    spec: { ...made.spec, claimRef: referenceTo(claim), storageClassName: claimClass(claim) || undefined },
  };
}

/** One that is there is ours: the name is the claim's uid. */
async function saved(world: ProvisionWorld, volume: PersistentVolume): Promise<void> {
  try {
    await world.createVolume(volume);
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
  }
}

/** Lets the scheduler choose again (rescheduleProvisioning). That it fails is seen at the next try. */
async function reschedule(claim: Claim, world: ProvisionWorld): Promise<void> {
  if (annotation(claim, ANN_SELECTED_NODE) === undefined) return;
  await world.saveClaim(withAnnotations(claim, { [ANN_SELECTED_NODE]: undefined })).catch(() => undefined);
}

/** The volume is there and its object cannot be: better no volume than one that nobody knows. */
async function undo(
  volume: Stored<PersistentVolume>,
  claimKey: string,
  why: string,
  provisioning: Provisioning,
): Promise<void> {
  const { world, tell } = provisioning;
  const text = `Error creating provisioned PV object for claim ${claimKey}: ${why}. Deleting the volume.`;
  tell(warning('ProvisioningFailed', text));
  const found = deleterOf(world.plugins, volume);
  const failure =
    'error' in found
      ? found.error
      : await keepTrying(provisioning, async () =>
          found.deleter?.delete(specFromPersistentVolume(volume, false)),
        );
  if (failure === undefined) return;
  const lost = `Error cleaning provisioned volume for claim ${claimKey}: ${failure}. Please delete manually.`;
  tell(warning('ProvisioningCleanupFailed', lost));
}

/** The last failure's text; undefined as soon as `attempt` goes well. */
async function keepTrying(
  { clock, signal }: Provisioning,
  attempt: () => Promise<void>,
): Promise<string | undefined> {
  let failure: string | undefined;
  for (let tries = 0; tries < SAVE_TRIES; tries++) {
    try {
      if (tries > 0) await sleep(clock, SAVE_INTERVAL_MS, signal);
      await attempt();
      return undefined;
    } catch (error) {
      if (signal.aborted) throw error;
      failure = errorMessage(error);
    }
  }
  return failure;
}
