// Where the parts of the simulated machine keep their files.

/** Volumes of the disk driver. */
export const POOL = '/pool';
export const CONTROLLER_SOCKET = '/disk.sock';

/** The kubelet root of a node. */
export function nodeRootOf(nodeName: string): string {
  return `/kubelet/${nodeName}`;
}
