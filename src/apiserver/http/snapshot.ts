import { pipeline } from 'node:stream/promises';
import { statusFailure } from '../../kube/index.ts';
import type { Exchange } from './exchange.ts';

/**
 * GET /stowage/snapshot: the store's state as a database file, for `stowage backup`. A path that upstream does not have;
 * only who may read every path (cluster-admin) may read it.
 */
export async function serveSnapshot({ server, response }: Exchange): Promise<void> {
  const snapshot = server.snapshot?.();
  if (!snapshot)
    throw statusFailure(404, 'NotFound', 'the server keeps its state in memory: there is nothing to back up');
  const stream = await snapshot;
  response.writeHead(200, { 'Content-Type': 'application/vnd.sqlite3', 'Cache-Control': 'no-store' });
  await pipeline(stream, response);
}
