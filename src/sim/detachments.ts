import { type Node, TAINT_OUT_OF_SERVICE } from '../kube/index.ts';

/** Whoever saw a node ill may act upon that for so long after it is well again: watches lag, requests are slow. */
export const LAG_MS = 60_000;

export interface DetachmentsOptions {
  nowMs(): number;
}

/** Which volumes may be taken from a node that has them mounted: only from one that was ill when that was decided. */
export class Detachments {
  readonly #options: DetachmentsOptions;
  /** When a node was last known to be ill; a node that nobody has told of is. */
  readonly #illAtMs = new Map<string, number>();
  readonly #ill = new Set<string>();
  readonly #asked = new Set<string>();
  readonly #forced = new Set<string>();

  constructor(options: DetachmentsOptions) {
    this.#options = options;
  }

  /** A node as it is now; undefined: it is gone. */
  nodeSeen(name: string, node: Node | undefined): void {
    if (node && isWell(node)) {
      if (this.#ill.delete(name)) this.#illAtMs.set(name, this.#options.nowMs());
    } else this.#ill.add(name);
  }

  /** Whether the node is ill, or was a moment ago. */
  isOrWasIll(node: string): boolean {
    const lastIllMs = this.#illAtMs.get(node) ?? Number.NEGATIVE_INFINITY;
    return this.#ill.has(node) || this.#options.nowMs() - lastIllMs < LAG_MS;
  }

  /** An attachment is being deleted. */
  asked(uid: string, volumeId: string, node: string): void {
    if (this.#asked.has(uid)) return;
    this.#asked.add(uid);
    if (this.isOrWasIll(node)) this.#forced.add(`${volumeId}@${node}`);
  }

  /** The volume is wanted there anew. */
  wanted(volumeId: string, node: string): void {
    this.#forced.delete(`${volumeId}@${node}`);
  }

  /** Whether the volume may leave the node although it is mounted there. */
  mayForce(volumeId: string, node: string): boolean {
    return this.#forced.has(`${volumeId}@${node}`);
  }
}

/** Source: the attach/detach controller's conditions for a detach without the node's consent. */
function isWell({ spec, status }: Node): boolean {
  const ready = status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True');
  return Boolean(ready) && !spec?.taints?.some(({ key }) => key === TAINT_OUT_OF_SERVICE);
}
