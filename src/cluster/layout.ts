import { join } from 'node:path';
import { nameOfNode } from './names.ts';

/** Where the parts of a cluster keep their files. */
export interface Layout {
  /** State and lock of the API server. */
  readonly state: string;
  readonly pki: string;
  readonly kubeconfig: string;
  /** Images of the disk driver. */
  readonly pool: string;
  /** What containers can run in (`stowage image load`). */
  readonly images: string;
  /** Where the disk driver serves its controller. */
  readonly controllerSocket: string;
  /** Container state and pod logs, below it a directory a node. */
  readonly nodeState: (ordinal: number) => string;
  /** The kubelet root of a node: pods, plugins, plugins_registry. */
  readonly nodeRoot: (ordinal: number) => string;
}

/** `nodeRoot` is the first node's; further nodes live below it, so that their number can change. */
export function layoutOf(directory: string, options: { nodeRoot?: string; kubeconfig?: string }): Layout {
  const nodeRoot = options.nodeRoot ?? join(directory, 'kubelet');
  return {
    state: join(directory, 'state'),
    pki: join(directory, 'pki'),
    kubeconfig: options.kubeconfig ?? join(directory, 'kubeconfig'),
    pool: join(directory, 'pool'),
    images: join(directory, 'images'),
    controllerSocket: join(directory, 'disk.sock'),
    nodeState: (ordinal) => join(directory, 'nodes', nameOfNode(ordinal)),
    nodeRoot: (ordinal) => (ordinal === 1 ? nodeRoot : join(nodeRoot, 'nodes', nameOfNode(ordinal))),
  };
}
