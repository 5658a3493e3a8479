import type { Computer } from './computer.ts';
import type { NetworkStorage } from './csi/network-storage.ts';
import { nodeRootOf, POOL } from './paths.ts';

/** What the name of a snapshot's record ends with. */
const RECORD = '.snapshot';

/** A snapshot as the driver's records have it. */
export interface PooledSnapshot {
  readonly id: string;
  readonly groupId?: string;
  readonly groupSize?: number;
}

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
    return this.#computers.some(({ machine }) => machine.lookup(`${POOL}/${id}${RECORD}`) !== undefined);
  }

  /** Mounts of file systems to which nobody can write. */
  frozen(): readonly string[] {
    return this.#computers.flatMap(({ machine }) => {
      const held = machine.mounts().filter(({ fileSystem }) => machine.frozen.has(fileSystem));
      return held.map(({ target }) => target);
    });
  }

  /** All snapshots that the pool has. */
  pooledSnapshots(): readonly PooledSnapshot[] {
    return this.#computers.flatMap(({ machine }) => {
      const entries = machine.lookup(POOL)?.node.entries ?? new Map<string, { readonly content: string }>();
      return [...entries].flatMap(([name, { content }]) => {
        if (!name.endsWith(RECORD)) return [];
        const { groupId, groupSize } = JSON.parse(content) as Partial<PooledSnapshot>;
        return { id: name.slice(0, -RECORD.length), groupId, groupSize };
      });
    });
  }

  /** Whether the pool has the volume. */
  hasVolume(id: string): boolean {
    return this.#computers.some(({ machine }) => machine.lookup(`${POOL}/${id}.json`) !== undefined);
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
