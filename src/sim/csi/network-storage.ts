import type { FileSystem, Grant } from '../../host/simulated/index.ts';

export interface NetworkVolume {
  readonly id: string;
  readonly sizeBytes: bigint;
  readonly fileSystem: FileSystem;
  /** Made by an administrator, by hand. */
  readonly byHand: boolean;
  /** By node. */
  readonly grants: Map<string, Grant>;
}

/** The storage behind the network driver: outside of every machine, it outlives them all and fences who has no grant. */
export class NetworkStorage {
  readonly #newFileSystem: (device: string) => FileSystem;
  readonly #volumes = new Map<string, NetworkVolume>();
  #serial = 100;

  constructor(newFileSystem: (device: string) => FileSystem) {
    this.#newFileSystem = newFileSystem;
  }

  volumes(): readonly NetworkVolume[] {
    return [...this.#volumes.values()];
  }

  get(id: string): NetworkVolume | undefined {
    return this.#volumes.get(id);
  }

  create(id: string, sizeBytes: bigint, byHand = false): NetworkVolume {
    const fileSystem = this.#newFileSystem(`0:${this.#serial++}`);
    const made = { id, sizeBytes, fileSystem, byHand, grants: new Map<string, Grant>() };
    this.#volumes.set(id, made);
    return made;
  }

  remove(id: string): void {
    for (const grant of this.#volumes.get(id)?.grants.values() ?? []) grant.open = false;
    this.#volumes.delete(id);
  }

  /** Who would have to give the volume up first. */
  holdsOff(id: string, node: string, exclusive: boolean): string | undefined {
    for (const grant of this.#volumes.get(id)?.grants.values() ?? [])
      if (grant.node !== node && (exclusive || grant.exclusive)) return grant.node;
    return undefined;
  }

  grant(id: string, node: string, terms: Pick<Grant, 'readOnly' | 'exclusive'>): Grant {
    const made = { volumeId: id, node, ...terms, open: true };
    this.#volumes.get(id)?.grants.set(node, made);
    return made;
  }

  /** Fences the node off: what it has mounted is stale from now on. */
  revoke(id: string, node: string): void {
    const grants = this.#volumes.get(id)?.grants;
    const grant = grants?.get(node);
    if (!grant) return;
    grant.open = false;
    grants?.delete(node);
  }
}
