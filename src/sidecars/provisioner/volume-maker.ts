import { errorMessage } from '../../base/index.ts';
import type { ComponentContext, Informer } from '../../client/index.ts';
import { type CsiClient, csi, provisioningState, rpcErrorText } from '../../csi/index.ts';
import {
  ANN_SELECTED_NODE,
  annotation,
  type CSINode,
  csiNodes,
  type Node,
  nodes,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type StorageClass,
  type Stored,
  volumeAttributesClasses,
} from '../../kube/index.ts';
import { credentialsOf } from '../shared/credentials.ts';
import type { Driver } from '../shared/driver.ts';
import type { ContentSource } from './content-source.ts';
import { ContentSources } from './content-sources.ts';
import { supportsTopology } from './driver.ts';
import { newPersistentVolume } from './new-volume.ts';
import type { Flags } from './options.ts';
import { asProvisionError, ProvisionError } from './provision-error.ts';
import {
  accessibilityRequirements,
  type RememberedTopology,
  type TopologyRequirementInit,
} from './topology.ts';
import { type VolumeRequest, volumeRequest } from './volume-request.ts';

/** How often a volume is deleted that turned out wrong, before it is left behind. */
const CLEANUP_ATTEMPTS = 5;

type Claim = Stored<PersistentVolumeClaim>;

/** Makes volumes with CreateVolume. */
export class VolumeMaker {
  readonly #context: ComponentContext;
  readonly #csi: CsiClient;
  readonly #driver: Driver;
  readonly #flags: Flags;
  readonly #identity: string;
  readonly #topology: { readonly csiNodes: Informer<CSINode>; readonly nodes: Informer<Node> } | undefined;
  readonly #sources: ContentSources;
  readonly #remembered = new Map<string, RememberedTopology>();

  constructor(context: ComponentContext, csiClient: CsiClient, driver: Driver, flags: Flags) {
    this.#context = context;
    this.#csi = csiClient;
    this.#driver = driver;
    this.#flags = flags;
    this.#sources = new ContentSources(context, {
      preventModeConversion: flags.preventVolumeModeConversion,
    });
    const { clock, random, informers } = context;
    this.#identity = `${clock.now()}-${Math.floor(random.next() * 10_000)}-${driver.name}`;
    if (supportsTopology(driver)) {
      this.#topology = { csiNodes: informers.of(csiNodes), nodes: informers.of(nodes) };
    }
  }

  /** What must be synced before the first volume is made. */
  get informers(): readonly { synced: Promise<void> }[] {
    return this.#topology ? [this.#topology.csiNodes, this.#topology.nodes] : [];
  }

  /**
   * Asks the driver for the claim's volume; the same again yields the same volume.
   * @throws ProvisionError that says what is certain then; IgnoredClaim.
   */
  async make(claim: Claim, storageClass: StorageClass, signal: AbortSignal): Promise<PersistentVolume> {
    const request = volumeRequest(claim, storageClass, this.#driver, this.#flags);
    const { dataSource } = request;
    const source = dataSource && (await this.#sources.hold(claim, storageClass, dataSource));
    const accessibility = this.#accessibility(claim, storageClass);
    const mutableParameters = await this.#attributes(claim, signal);
    const secrets = await credentialsOf(this.#context.client, request.secretReferences.provisioner).catch(
      (error: unknown) => {
        throw asProvisionError('no-change', error);
      },
    );
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
    if (dataSource) {
      await this.#sources.release(dataSource).catch((error) =>
        // Whoever looks after forgotten sources does it later.
        this.#context.log.warn('a snapshot stays protected', {
          snapshot: dataSource.name,
          error: errorMessage(error),
        }),
      );
    }
    this.#remembered.delete(claim.metadata.uid);
    const { MULTI_NODE_READER_ONLY } = csi.VolumeCapability_AccessMode_Mode;
    const [only, ...others] = request.volumeCapabilities;
    const isReadOnly = others.length === 0 && only?.accessMode.mode === MULTI_NODE_READER_ONLY;
    return newPersistentVolume({
      claim,
      storageClass,
      request,
      made,
      driver: this.#driver.name,
      identity: this.#identity,
      supportsTopology: this.#topology !== undefined,
      readOnly: isReadOnly && this.#flags.controllerPublishReadOnly,
    });
  }

  /** Drops what was remembered for a claim that is gone. */
  forget(claimUid: string): void {
    this.#remembered.delete(claimUid);
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
      const mayReschedule = this.#topology !== undefined && selectedNodeOf(claim) !== '';
      const state = provisioningState(error, mayReschedule);
      if (state !== 'in-background') this.#remembered.delete(claim.metadata.uid);
      throw asProvisionError(state, error);
    }
    throw new ProvisionError('in-background', `CreateVolume of ${request.name} answered without a volume`);
  }

  /** Where the volume is to be reachable from. */
  #accessibility(claim: Claim, storageClass: StorageClass): TopologyRequirementInit | undefined {
    if (!this.#topology) return undefined;
    const { uid, name } = claim.metadata;
    const result = accessibilityRequirements({
      driver: this.#driver.name,
      claimName: name,
      allowedTopologies: storageClass.allowedTopologies ?? [],
      selectedNode: selectedNodeOf(claim),
      strict: this.#flags.strictTopology,
      immediate: this.#flags.immediateTopology,
      csiNodes: rotated([...this.#topology.csiNodes.values()], this.#context.random.next()),
      nodes: [...this.#topology.nodes.values()],
      remembered: this.#remembered.get(uid),
    });
    if ('error' in result) {
      if (result.reschedule) throw new ProvisionError('reschedule', result.error);
      throw new ProvisionError('no-change', `error generating accessibility requirements: ${result.error}`);
    }
    this.#remembered.set(uid, result.remember);
    return result.requirement;
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

export function selectedNodeOf(claim: PersistentVolumeClaim): string {
  return annotation(claim, ANN_SELECTED_NODE) ?? '';
}

/** The list, begun at a random place. */
function rotated<T>(list: readonly T[], chance: number): T[] {
  const from = Math.floor(chance * list.length);
  return [...list.slice(from), ...list.slice(0, from)];
}
