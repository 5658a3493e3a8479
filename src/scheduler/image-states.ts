import type { Node, Stored } from '../kube/index.ts';

/** An image under one of its names. */
export interface ImageState {
  /** As the node said that was the first to have it. */
  readonly sizeBytes: number;
  /** The names of those that have it. */
  readonly nodes: ReadonlySet<string>;
}

/** Which nodes have which images, as the nodes report it (status.images). */
export class ImageStates {
  readonly #states = new Map<string, { readonly sizeBytes: number; readonly nodes: Set<string> }>();

  get(name: string): ImageState | undefined {
    return this.#states.get(name);
  }

  add(node: Stored<Node>): void {
    for (const { names, sizeBytes = 0 } of node.status?.images ?? []) {
      for (const name of names ?? []) {
        const known = this.#states.get(name);
        if (known) known.nodes.add(node.metadata.name);
        else this.#states.set(name, { sizeBytes, nodes: new Set([node.metadata.name]) });
      }
    }
  }

  remove(node: Stored<Node>): void {
    for (const { names } of node.status?.images ?? []) {
      for (const name of names ?? []) {
        const known = this.#states.get(name);
        known?.nodes.delete(node.metadata.name);
        if (known?.nodes.size === 0) this.#states.delete(name);
      }
    }
  }
}
