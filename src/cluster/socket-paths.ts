import { socketPathProblem } from '../csi/index.ts';
import { DISK_DRIVER } from '../drivers/disk/index.ts';
import { pluginsRegistryDirectory } from '../volume/index.ts';
import type { Layout } from './layout.ts';

/** Where a node's disk driver serves, below its kubelet root. */
export function nodeSocket(nodeRoot: string): string {
  return `${nodeRoot}/plugins/${DISK_DRIVER}/csi.sock`;
}

/**
 * Why a cluster of so many nodes cannot have its Unix sockets where they belong; undefined when it can. To be asked
 * before anything is started.
 */
export function socketProblem(layout: Layout, nodes: number): string | undefined {
  if (nodes === 0) return undefined;
  const roots = Array.from({ length: nodes }, (_, index) => layout.nodeRoot(index + 1));
  const paths = [
    layout.controllerSocket,
    ...roots.flatMap((root) => [
      nodeSocket(root),
      `${pluginsRegistryDirectory(root)}/${DISK_DRIVER}-reg.sock`,
    ]),
  ];
  const longest = paths.reduce((a, b) => (Buffer.byteLength(b) > Buffer.byteLength(a) ? b : a));
  return socketPathProblem(longest);
}
