import type { Computer } from './computer.ts';
import type { NetworkStorage } from './csi/network-storage.ts';
import { nodeRootOf, POOL } from './paths.ts';

/** Where volumes are, as kernels and storage know: nobody's opinion. */
export class Whereabouts {
  readonly #computers: readonly Computer[];
  readonly #storage: NetworkStorage;

  constructor(computers: readonly Computer[], storage: NetworkStorage) {
    this.#computers = computers;
    this.#storage = storage;
  }

  /** Targets of the volume's mounts; those of a share that was taken away only with `stale`. */
  mountsOf(volumeId: string, stale = false): readonly string[] {
    const image = `${POOL}/${volumeId}.img`;
    return this.#computers.flatMap(({ machine }) => {
      const shares = machine
        .mounts()
        .filter(({ grant }) => grant?.volumeId === volumeId && (stale || grant.open));
      const loops = machine.loops().filter(({ backingFile }) => backingFile === image);
      return [...shares, ...loops.flatMap((loop) => machine.usesOf(loop))].map(({ target }) => target);
    });
  }

  mountsOn(volumeId: string, node: string): readonly string[] {
    const root = `${nodeRootOf(node)}/`;
    return this.mountsOf(volumeId).filter((target) => target.startsWith(root));
  }

  /** Whether the pool has the snapshot. */
  hasSnapshot(id: string): boolean {
    return this.#computers.some(({ machine }) => machine.lookup(`${POOL}/${id}.snapshot`) !== undefined);
  }

  /** The nodes that it is published to. */
  publishedTo(volumeId: string): readonly string[] {
    const grants = [...(this.#storage.get(volumeId)?.grants.keys() ?? [])];
    const notes = this.#computers.flatMap(({ machine }) => {
      const file = machine.lookup(`${POOL}/${volumeId}.node`)?.node;
      return (file && (JSON.parse(file.content) as { nodeId?: string }).nodeId) ?? [];
    });
    return [...grants, ...notes];
  }
}
