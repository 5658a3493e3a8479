import { type Clock, errorMessage, type Logger } from '../../base/index.ts';
import { type CsiServices, type SocketServer, type Sockets, serveCsi } from '../../csi/index.ts';
import type { Host } from '../../host/index.ts';
import { Attachments } from './attachments.ts';
import { diskController } from './controller.ts';
import { diskNode } from './node.ts';
import { Pool } from './pool.ts';
import { TOPOLOGY_HOST, type Topology, zoneOf } from './topology.ts';

export const DISK_DRIVER = 'disk.csi.stowage.dev';

export interface DiskDriverOptions {
  /** What it is called, where another of its kind serves the same cluster. @default disk.csi.stowage.dev */
  readonly name?: string;
  /** The directory of the volumes; made if absent. One process at a time may use it. */
  readonly pool: string;
  readonly host: Host;
  readonly clock: Clock;
  readonly log: Logger;
  /** @default gRPC over Unix sockets */
  readonly sockets?: Sockets;
}

/**
 * `disk.csi.stowage.dev`: a volume is an image file in a pool, attached as a loop device to one node at a time. One
 * driver serves every node of its machine, on a socket each; what it knows it reads back from the pool when it starts.
 */
export interface DiskDriver {
  /**
   * Serves the controller, and with `nodeId` the services of that node, on a Unix socket. Volumes can be published to
   * the nodes that have been served since the driver was opened. By the zone and region among its labels a node can be
   * told from others of the machine.
   */
  serve(
    endpoint: string,
    nodeId?: string,
    nodeLabels?: Readonly<Record<string, string>>,
  ): Promise<SocketServer>;
  /** Stops serving and gives back the loop devices that nothing has mounted; volumes stay published. */
  stop(): Promise<void>;
}

/** @throws Error if the pool cannot be had, or holds a record that cannot be read. */
export async function openDiskDriver(options: DiskDriverOptions): Promise<DiskDriver> {
  const { name = DISK_DRIVER, host, clock, log, sockets } = options;
  const pool = await Pool.open(options.pool, host, log);
  const attachments = new Attachments(pool, host);
  // A device that its last user does not let go of yet is no reason to keep volumes from anybody.
  const reclaim = async (which: { published: boolean }) => {
    for (const failure of await attachments.reclaim(which))
      log.warn('a loop device of the pool stays', { pool: pool.directory, error: errorMessage(failure) });
  };
  await reclaim({ published: false });
  const topology: Topology = { [TOPOLOGY_HOST]: host.info().hostname };
  const nodes = new Map<string, Topology>();
  const servers: SocketServer[] = [];
  return {
    async serve(endpoint, nodeId, nodeLabels) {
      const place = { ...topology, ...zoneOf(nodeLabels) };
      if (nodeId !== undefined) nodes.set(nodeId, place);
      const services: CsiServices = {
        identity: { name, vendorVersion: '0.1.0', topology: true },
        controller: diskController({ pool, attachments, topology, nodes }),
        node:
          nodeId === undefined ? undefined : diskNode({ pool, attachments, host, nodeId, topology: place }),
      };
      const server = await serveCsi({ endpoint, clock, log, sockets, ...services });
      servers.push(server);
      return server;
    },
    async stop() {
      await Promise.all(servers.map((server) => server.stop()));
      await reclaim({ published: true });
    },
  };
}
