/** sun_path of Linux holds 108 bytes with the closing zero. A longer path would be cut off silently. */
const MAX_SOCKET_PATH_BYTES = 107;

/**
 * The socket path of a CSI endpoint: `unix:///path`, `unix:/path`, or the plain absolute path.
 * @throws Error if it is none of these or too long for a Unix socket.
 * Source: CSI specification, "Supervised Lifecycle Management" (CSI_ENDPOINT); csi-lib-utils for the plain path.
 */
export function parseEndpoint(endpoint: string): string {
  const path = endpoint.replace(/^unix:(\/\/(?=\/))?/, '');
  if (!path.startsWith('/') || path.startsWith('//')) {
    throw new Error(
      `CSI endpoint ${JSON.stringify(endpoint)}: not an absolute Unix socket; write unix:///path/csi.sock`,
    );
  }
  checkSocketPath(path);
  return path;
}

/** @throws Error if the path is too long for a Unix socket. */
export function checkSocketPath(path: string): void {
  const problem = socketPathProblem(path);
  if (problem !== undefined) throw new Error(problem);
}

/** Why there can be no Unix socket at the path; undefined when there can. */
export function socketPathProblem(path: string): string | undefined {
  const bytes = Buffer.byteLength(path);
  if (bytes <= MAX_SOCKET_PATH_BYTES) return undefined;
  return `socket path ${path}: ${bytes} bytes, at most ${MAX_SOCKET_PATH_BYTES} are possible; choose a shorter directory`;
}
