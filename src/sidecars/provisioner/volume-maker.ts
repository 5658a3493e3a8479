import { errorMessage } from '../../base/index.ts';
import type { ComponentContext } from '../../client/index.ts';
import { type CsiClient, csi, provisioningState, rpcErrorText } from '../../csi/index.ts';
import {
  type PersistentVolume,
  type PersistentVolumeClaim,
  type StorageClass,
  type Stored,
  volumeAttributesClasses,
} from '../../kube/index.ts';
import { translateVolumeToInTree } from '../../volume/migration/index.ts';
import { credentialsOf } from '../shared/credentials.ts';
import type { Driver } from '../shared/driver.ts';
import type { Accessibility } from './accessibility.ts';
import type { ContentSource } from './content-source.ts';
import { ContentSources } from './content-sources.ts';
import { classForDriver, isMigratedClass } from './migrated-class.ts';
import { newPersistentVolume } from './new-volume.ts';
import type { Flags } from './options.ts';
import { asProvisionError, failingAs, ProvisionError } from './provision-error.ts';
import { hasRoom } from './room.ts';
import { selectedNodeOf } from './selected-node.ts';
import type { TopologyRequirementInit } from './topology.ts';
import { type VolumeRequest, volumeRequest } from './volume-request.ts';

/** How often a volume is deleted that turned out wrong, before it is left behind. */
const CLEANUP_ATTEMPTS = 5;

type Claim = Stored<PersistentVolumeClaim>;

interface Begun {
  readonly source: ContentSource | undefined;
  /** Of the claim's VolumeAttributesClass, which goes with the last that has it. */
  readonly mutableParameters: Record<string, string>;
}

export interface VolumeMakerOptions {
  readonly csi: CsiClient;
  readonly driver: Driver;
  readonly flags: Flags;
  /** Undefined for a driver whose volumes are reachable from everywhere. */
  readonly accessibility: Accessibility | undefined;
  /** What the provisioner's identity ends with. */
  readonly suffix: string;
}

/** Makes volumes with CreateVolume. */
export class VolumeMaker {
  readonly #context: ComponentContext;
  readonly #csi: CsiClient;
  readonly #driver: Driver;
  readonly #flags: Flags;
  readonly #identity: string;
  readonly #accessibility: Accessibility | undefined;
  readonly #sources: ContentSources;
  /**
   * What the volumes are to be that the driver may be making, by the uid of the claim. It is asked on with that whatever
   * has become of the objects that said so: upstream asks no more, and leaves a volume that was made after all.
   */
  readonly #begun = new Map<string, Begun>();

  constructor(
    context: ComponentContext,
    { csi: csiClient, driver, flags, accessibility, suffix }: VolumeMakerOptions,
  ) {
    this.#context = context;
    this.#csi = csiClient;
    this.#driver = driver;
    this.#flags = flags;
    this.#accessibility = accessibility;
    this.#sources = new ContentSources(context, {
      preventModeConversion: flags.preventVolumeModeConversion,
    });
    const { clock, random } = context;
    this.#identity = `${clock.now()}-${Math.floor(random.next() * 10_000)}-${driver.name}${suffix}`;
  }

  /**
   * Asks the driver for the claim's volume; the same again yields the same volume.
   * @throws ProvisionError that says what is certain then; IgnoredClaim.
   */
  async make(claim: Claim, given: StorageClass, signal: AbortSignal): Promise<PersistentVolume> {
    const storageClass = failingAs('finished', () => classForDriver(given, this.#driver.name));
    const request = volumeRequest(claim, storageClass, this.#driver, this.#flags);
    const { dataSource } = request;
    const { uid } = claim.metadata;
    const begun = this.#begun.get(uid);
    const source =
      begun?.source ?? (dataSource && (await this.#sources.hold(claim, storageClass, dataSource)));
    const accessibility = this.#accessibility?.requirement(claim, storageClass, selectedNodeOf(claim));
    const mutableParameters = begun?.mutableParameters ?? (await this.#attributes(claim, signal));
    const secrets = await credentialsOf(this.#context.client, request.secretReferences.provisioner).catch(
      (error: unknown) => {
        throw asProvisionError('no-change', error);
      },
    );
    this.#begun.set(uid, { source, mutableParameters });
    const made = await this.#createVolume(
      claim,
      request,
      { source, mutableParameters, accessibility, secrets },
      signal,
    );
    const fault = faultOf(made, request);
    if (fault !== undefined) {
      const leftBehind = await this.#cleanUp(made.volumeId, secrets, signal);
      const cleanup =
        leftBehind && `. Cleanup of volume ${request.name} failed, volume is orphaned: ${leftBehind}`;
      // Tried again: with some luck the driver then makes a better one.
      throw new ProvisionError('in-background', `${fault}${cleanup ?? ''}`);
    }
    const volume = await this.#objectOf(claim, given, { request, made, secrets }, signal);
    if (dataSource) {
      await this.#sources.release(dataSource).catch((error) =>
        // Whoever looks after forgotten sources does it later.
        this.#context.log.warn('a snapshot stays protected', {
          snapshot: dataSource.name,
          error: errorMessage(error),
        }),
      );
    }
    this.forget(uid);
    return volume;
  }

  /** The volume's object; of a class that names an in-tree plugin, as that would have made it. */
  async #objectOf(
    claim: Claim,
    storageClass: StorageClass,
    { request, made, secrets }: { request: VolumeRequest; made: csi.Volume; secrets: Record<string, string> },
    signal: AbortSignal,
  ): Promise<PersistentVolume> {
    const { MULTI_NODE_READER_ONLY } = csi.VolumeCapability_AccessMode_Mode;
    const [only, ...others] = request.volumeCapabilities;
    const isReadOnly = others.length === 0 && only?.accessMode.mode === MULTI_NODE_READER_ONLY;
    const volume = newPersistentVolume({
      claim,
      storageClass,
      request,
      made,
      driver: this.#driver.name,
      identity: this.#identity,
      supportsTopology: this.#accessibility !== undefined,
      readOnly: isReadOnly && this.#flags.controllerPublishReadOnly,
    });
    if (!isMigratedClass(storageClass, this.#driver.name)) return volume;
    try {
      return translateVolumeToInTree(volume);
    } catch (error) {
      const leftBehind = await this.#cleanUp(made.volumeId, secrets, signal);
      throw asProvisionError(leftBehind === undefined ? 'finished' : 'in-background', error);
    }
  }

  /** Drops what was remembered for a claim that is gone. */
  forget(claimUid: string): void {
    this.#begun.delete(claimUid);
    this.#accessibility?.forget(claimUid);
  }

  /** Whether the driver has room for the claim's volume on a node. @throws Error when that cannot be told. */
  async hasRoomOn(node: string, claim: Claim, given: StorageClass, signal: AbortSignal): Promise<boolean> {
    const storageClass = classForDriver(given, this.#driver.name);
    const request = volumeRequest(claim, storageClass, this.#driver, this.#flags);
    const place = this.#accessibility?.ask(claim, storageClass, node);
    if (place && 'error' in place) throw new Error(place.error);
    return hasRoom(this.#csi, request, place?.requirement, { timeoutMs: this.#flags.timeoutMs, signal });
  }

  /** The parameters of the VolumeAttributesClass that the claim asks for. */
  async #attributes(claim: Claim, signal: AbortSignal): Promise<Record<string, string>> {
    const name = claim.spec?.volumeAttributesClassName;
    if (!name) return {};
    const { client } = this.#context;
    const found = await client.get(volumeAttributesClasses, { name }, { signal }).catch((error: unknown) => {
      throw asProvisionError('no-change', error);
    });
    if (found.driverName !== this.#driver.name) {
      throw new ProvisionError(
        'finished',
        `VAC ${name} referenced in PVC is for driver ${found.driverName} which does not match driver name ${this.#driver.name}`,
      );
    }
    return { ...found.parameters };
  }

  async #createVolume(
    claim: Claim,
    request: VolumeRequest,
    {
      source,
      mutableParameters,
      accessibility,
      secrets,
    }: {
      readonly source: ContentSource | undefined;
      readonly mutableParameters: Record<string, string>;
      readonly accessibility: TopologyRequirementInit | undefined;
      readonly secrets: Record<string, string>;
    },
    signal: AbortSignal,
  ): Promise<csi.Volume> {
    try {
      const { volume } = await this.#csi.controller.createVolume(
        {
          name: request.name,
          capacityRange: { requiredBytes: request.requiredBytes },
          volumeCapabilities: [...request.volumeCapabilities],
          parameters: request.parameters,
          mutableParameters,
          secrets,
          volumeContentSource: source,
          accessibilityRequirements: accessibility,
        },
        { timeoutMs: this.#flags.timeoutMs, signal },
      );
      if (volume) return volume;
    } catch (error) {
      const mayReschedule = this.#accessibility !== undefined && selectedNodeOf(claim) !== '';
      const state = provisioningState(error, mayReschedule);
      if (state !== 'in-background') this.forget(claim.metadata.uid);
      throw asProvisionError(state, error);
    }
    throw new ProvisionError('in-background', `CreateVolume of ${request.name} answered without a volume`);
  }

  /** Deletes a volume that is of no use; resolves to why that failed. */
  async #cleanUp(
    volumeId: string,
    secrets: Record<string, string>,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    let failure: string | undefined;
    for (let attempt = 0; attempt < CLEANUP_ATTEMPTS; attempt++) {
      try {
        const call = { timeoutMs: this.#flags.timeoutMs, signal };
        await this.#csi.controller.deleteVolume({ volumeId, secrets }, call);
        return undefined;
      } catch (error) {
        failure = rpcErrorText(error);
      }
    }
    return failure;
  }
}

/** Why the volume is not what was asked for; undefined when it is. */
function faultOf(made: csi.Volume, request: VolumeRequest): string | undefined {
  if (made.capacityBytes !== 0n && made.capacityBytes < request.requiredBytes)
    return `created volume capacity ${made.capacityBytes} less than requested capacity ${request.requiredBytes}`;
  // An older driver makes an empty volume and says nothing.
  return request.dataSource && !made.contentSource ? 'volume content source missing' : undefined;
}
