import type { Random } from '../../base/index.ts';
import type { PersistentVolumeClaim, StorageClass, Stored } from '../../kube/index.ts';
import type { NodesOfDriver } from './nodes-of-driver.ts';
import type { Flags } from './options.ts';
import { ProvisionError } from './provision-error.ts';
import {
  accessibilityRequirements,
  type RememberedTopology,
  type TopologyRequirementInit,
  type TopologyResult,
} from './topology.ts';

/** Where new volumes are to be reachable from. What was told the driver for a claim stays until its volume is made. */
export class Accessibility {
  readonly #driver: string;
  readonly #nodes: NodesOfDriver;
  readonly #flags: Pick<Flags, 'strictTopology' | 'immediateTopology'>;
  readonly #random: Random;
  readonly #remembered = new Map<string, RememberedTopology>();

  constructor(
    driver: string,
    nodes: NodesOfDriver,
    flags: Pick<Flags, 'strictTopology' | 'immediateTopology'>,
    random: Random,
  ) {
    this.#driver = driver;
    this.#nodes = nodes;
    this.#flags = flags;
    this.#random = random;
  }

  /** @throws ProvisionError. */
  requirement(
    claim: Stored<PersistentVolumeClaim>,
    storageClass: StorageClass,
    selectedNode: string,
  ): TopologyRequirementInit | undefined {
    const result = this.ask(claim, storageClass, selectedNode);
    if ('error' in result) {
      if (result.reschedule) throw new ProvisionError('reschedule', result.error);
      throw new ProvisionError('no-change', `error generating accessibility requirements: ${result.error}`);
    }
    this.#remembered.set(claim.metadata.uid, result.remember);
    return result.requirement;
  }

  /** What it would be, without any consequence. */
  ask(
    { metadata }: Stored<PersistentVolumeClaim>,
    storageClass: StorageClass,
    selectedNode: string,
  ): TopologyResult {
    return accessibilityRequirements({
      driver: this.#driver,
      claimName: metadata.name,
      allowedTopologies: storageClass.allowedTopologies ?? [],
      selectedNode,
      strict: this.#flags.strictTopology,
      immediate: this.#flags.immediateTopology,
      csiNodes: rotated([...this.#nodes.csiNodes()], this.#random.next()),
      nodes: [...this.#nodes.nodes()],
      remembered: this.#remembered.get(metadata.uid),
    });
  }

  /** Nothing is going on for the claim, or it is gone. */
  forget(claimUid: string): void {
    this.#remembered.delete(claimUid);
  }
}

/** The list, begun at a random place. */
function rotated<T>(list: readonly T[], chance: number): T[] {
  const from = Math.floor(chance * list.length);
  return [...list.slice(from), ...list.slice(0, from)];
}
