import {
  joinKey,
  type PersistentVolume,
  type Pod,
  persistentVolumes,
  pods,
  type Stored,
  volumeAttachments,
} from '../../../../kube/index.ts';
import type { ObjectSource } from '../contract.ts';
import { nodeSecretsOf, type ReferenceKind, referencesOf } from './references.ts';

/**
 * Which node has to do with which object: through a pod that is bound to it, or through the volume behind a claim of
 * such a pod (plugin/pkg/auth/authorizer/node/graph.go). Pods and volumes are followed; the rest is looked up.
 */
export class NodeGraph {
  readonly #source: ObjectSource;
  /** `kind namespace/name` to the nodes whose pods refer to it, each with how many references there are. */
  readonly #references = new Map<string, Map<string, number>>();
  /** `namespace/name` of a secret to the volumes that need it. */
  readonly #volumesOfSecret = new Map<string, Set<string>>();

  constructor(source: ObjectSource) {
    this.#source = source;
    source.follow(pods, {
      reset: () => this.#references.clear(),
      change: (_key, next, previous) => this.#changePod(next, previous),
    });
    source.follow(persistentVolumes, {
      reset: () => this.#volumesOfSecret.clear(),
      change: (_key, next, previous) => this.#changeVolume(next, previous),
    });
  }

  /** Whether one of the node's pods refers to the object. */
  refersTo(node: string, kind: ReferenceKind, namespace: string, name: string): boolean {
    if (this.#references.get(referenceKey(kind, namespace, name))?.has(node)) return true;
    if (kind !== 'secret') return false;
    const volumes = this.#volumesOfSecret.get(joinKey(namespace, name));
    return volumes !== undefined && [...volumes].some((volume) => this.hasVolume(node, volume));
  }

  /** Whether the volume is behind a claim of one of the node's pods. */
  hasVolume(node: string, name: string): boolean {
    const claim = this.#source.get(persistentVolumes, undefined, name)?.spec?.claimRef;
    return Boolean(claim?.name && this.refersTo(node, 'claim', claim.namespace ?? '', claim.name));
  }

  isAttachedTo(node: string, attachment: string): boolean {
    return this.#source.get(volumeAttachments, undefined, attachment)?.spec.nodeName === node;
  }

  #changePod(next: Stored<Pod> | undefined, previous: Stored<Pod> | undefined): void {
    // What a pod refers to is in its spec, and most changes are of its status.
    if (next && next.spec === previous?.spec) return;
    if (previous) this.#count(previous, -1);
    if (next) this.#count(next, 1);
  }

  #count(pod: Stored<Pod>, by: 1 | -1): void {
    const node = pod.spec?.nodeName;
    if (!node) return;
    for (const { kind, name } of referencesOf(pod)) {
      const key = referenceKey(kind, pod.metadata.namespace ?? '', name);
      let nodes = this.#references.get(key);
      if (!nodes) {
        nodes = new Map();
        this.#references.set(key, nodes);
      }
      const count = (nodes.get(node) ?? 0) + by;
      if (count > 0) nodes.set(node, count);
      else nodes.delete(node);
      if (nodes.size === 0) this.#references.delete(key);
    }
  }

  #changeVolume(
    next: Stored<PersistentVolume> | undefined,
    previous: Stored<PersistentVolume> | undefined,
  ): void {
    if (next && next.spec === previous?.spec) return;
    for (const secret of previous ? nodeSecretsOf(previous) : []) {
      const volumes = this.#volumesOfSecret.get(secret);
      volumes?.delete(previous!.metadata.name);
      if (volumes?.size === 0) this.#volumesOfSecret.delete(secret);
    }
    for (const secret of next ? nodeSecretsOf(next) : []) {
      const volumes = this.#volumesOfSecret.get(secret);
      if (volumes) volumes.add(next!.metadata.name);
      else this.#volumesOfSecret.set(secret, new Set([next!.metadata.name]));
    }
  }
}

function referenceKey(kind: ReferenceKind, namespace: string, name: string): string {
  return `${kind} ${namespace}/${name}`;
}
