import { type Clock, errorMessage, type Logger } from '../../base/index.ts';
import { type CsiServices, type SocketServer, type Sockets, serveCsi } from '../../csi/index.ts';
import type { Host } from '../../host/index.ts';
import { type Topology, zoneOf } from '../shared/topology.ts';
import { type Attachments, LoopDevices } from './attachments.ts';
import { directories, imageFiles } from './backing.ts';
import { diskController } from './controller.ts';
import { DirectoryVolumes, withoutBlockDevices } from './directory-volumes.ts';
import { groupController, thawInTheEnd } from './group-controller.ts';
import { IoLimiter } from './io-limits.ts';
import { diskNode } from './node.ts';
import { Pool } from './pool.ts';
import { openStore } from './reflink-store.ts';
import { snapshotMetadata } from './snapshot-metadata.ts';
import { Snapshots } from './snapshots.ts';
import { TOPOLOGY_HOST } from './topology.ts';

export const DISK_DRIVER = 'disk.csi.stowage.dev';

export interface DiskDriverOptions {
  /** What it is called, where another of its kind serves the same cluster. @default disk.csi.stowage.dev */
  readonly name?: string;
  /** The directory of the volumes; made if absent. One process at a time may use it. */
  readonly pool: string;
  /** What a volume is kept in. Directories need no loop devices, and nothing holds them to their size. @default images, where there are block devices */
  readonly volumes?: 'images' | 'directories';
  readonly host: Host;
  readonly clock: Clock;
  readonly log: Logger;
  /** @default gRPC over Unix sockets */
  readonly sockets?: Sockets;
}

/**
 * `disk.csi.stowage.dev`: a volume is an image file in a pool, attached as a loop device to one node at a time (or a
 * directory, where there are none). One driver serves every node of its machine, on a socket each; what it knows it reads back from the pool when it starts.
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
  const { volumes = host.info().rootless ? 'directories' : 'images' } = options;
  const hasDevices = volumes === 'images';
  const store = hasDevices ? await openStore(options.pool, host, log) : undefined;
  const backing = hasDevices ? imageFiles(host.files) : directories(host.files);
  const pool = await Pool.open(options.pool, host, log, { backing, below: store?.below });
  const loops = hasDevices ? new LoopDevices(pool, host) : undefined;
  const attachments: Attachments = loops ?? new DirectoryVolumes(pool, host);
  const snapshotting = loops && {
    pool,
    loops,
    snapshots: await Snapshots.open(pool.directory, host, log),
    host,
    clock,
    obstacle: store?.obstacle,
  };
  if (snapshotting) await thawInTheEnd(snapshotting, log);
  // A device that its last user does not let go of yet is no reason to keep volumes from anybody.
  const reclaim = async (which: { published: boolean }) => {
    for (const failure of await attachments.reclaim(which))
      log.warn('a loop device of the pool stays', { pool: pool.directory, error: errorMessage(failure) });
  };
  await reclaim({ published: false });
  const limiter = new IoLimiter(host.files);
  const topology: Topology = { [TOPOLOGY_HOST]: host.info().hostname };
  const nodes = new Map<string, Topology>();
  const servers: SocketServer[] = [];
  return {
    async serve(endpoint, nodeId, nodeLabels) {
      const place = { ...topology, ...zoneOf(nodeLabels) };
      if (nodeId !== undefined) nodes.set(nodeId, place);
      const services: CsiServices = {
        identity: { name, vendorVersion: '0.1.0', topology: true, volumeExpansion: 'ONLINE' },
        controller: diskController({ pool, attachments, topology, nodes, limiter, snapshotting }),
        node:
          nodeId === undefined
            ? undefined
            : diskNode({ pool, attachments, host, nodeId, topology: place, limiter }),
        groupController: snapshotting && groupController(snapshotting),
        snapshotMetadata: snapshotting && snapshotMetadata(snapshotting),
      };
      const server = await serveCsi({
        endpoint,
        clock,
        log,
        sockets,
        ...(hasDevices ? services : withoutBlockDevices(services)),
      });
      servers.push(server);
      return server;
    },
    async stop() {
      await Promise.all(servers.map((server) => server.stop()));
      await reclaim({ published: true });
      await store?.close();
    },
  };
}
