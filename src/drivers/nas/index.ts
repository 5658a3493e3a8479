import type { Clock, Logger } from '../../base/index.ts';
import { type CsiServices, type SocketServer, type Sockets, serveCsi } from '../../csi/index.ts';
import type { Host } from '../../host/index.ts';
import { Exclusive } from '../shared/exclusive.ts';
import { RecordStore } from '../shared/record-store.ts';
import { nasController } from './controller.ts';
import { nasNode } from './node.ts';
import { OWN_DIRECTORY } from './parameters.ts';
import { parseSnapshot, parseVolume } from './record.ts';
import { Sites } from './sites.ts';
import { Snapshots } from './snapshots.ts';
import { Tools } from './tools.ts';
import { Volumes } from './volumes.ts';

export const NAS_DRIVER = 'nas.csi.stowage.dev';

export interface NasDriverOptions {
  /** What it is called, where another of its kind serves the same cluster. @default nas.csi.stowage.dev */
  readonly name?: string | undefined;
  /**
   * The share of volumes without an NFS export, and what the driver knows of all volumes; made if absent. On several
   * machines it is the same one, by whatever means. One process at a time may have a controller on it.
   */
  readonly directory: string;
  /** Without, only nodes are served: the controller is elsewhere. @default true */
  readonly controller?: boolean;
  readonly host: Host;
  readonly clock: Clock;
  readonly log: Logger;
  /** @default gRPC over Unix sockets */
  readonly sockets?: Sockets;
}

/**
 * `nas.csi.stowage.dev`: a volume is a directory of a share, which any number of pods and nodes use at once. Nothing is
 * attached or staged.
 */
export interface NasDriver {
  /** Serves the controller, and with `nodeId` the services of that node, on a Unix socket. */
  serve(endpoint: string, nodeId?: string): Promise<SocketServer>;
  /** Stops serving; volumes stay published. */
  stop(): Promise<void>;
}

/** @throws Error if the directory cannot be had, or holds a record that cannot be read. */
export async function openNasDriver(options: NasDriverOptions): Promise<NasDriver> {
  const { name = NAS_DRIVER, controller = true, host, clock, log, sockets } = options;
  await host.files.makeDirectory(options.directory, 0o700);
  const directory = await host.files.realPath(options.directory);
  const operations = new Exclusive();
  const kept = controller ? await openController(directory, options) : undefined;
  const servers: SocketServer[] = [];
  return {
    async serve(endpoint, nodeId) {
      const services: CsiServices = {
        identity: {
          name,
          vendorVersion: '0.1.0',
          ...(kept && { volumeExpansion: 'ONLINE' as const }),
        },
        ...(kept && { controller: nasController({ ...kept, host, operations }) }),
        ...(nodeId !== undefined && {
          node: nasNode({ directory, host, nodeId, operations, volumes: kept?.volumes }),
        }),
      };
      const server = await serveCsi({ endpoint, clock, log, sockets, ...services });
      servers.push(server);
      return server;
    },
    async stop() {
      await Promise.all(servers.map((server) => server.stop()));
      await kept?.sites.close();
    },
  };
}

/** What the driver knows, with all that an earlier run has begun finished or taken back. */
async function openController(directory: string, { host, clock, log }: NasDriverOptions) {
  const { files } = host;
  const own = `${directory}/${OWN_DIRECTORY}`;
  await files.makeDirectory(own, 0o700);
  const tools = new Tools(host, `${own}/lock`);
  await tools.settled();
  const parsed = { volumes: parseVolume, snapshots: parseSnapshot };
  const volumeRecords = await RecordStore.open({ files, directory: `${own}/volumes`, parse: parsed.volumes });
  const snapshotRecords = await RecordStore.open({
    files,
    directory: `${own}/snapshots`,
    parse: parsed.snapshots,
  });
  const sites: Sites = new Sites({
    directory,
    host,
    tools,
    async opened(site, from) {
      await volumes.settle(site, from);
      await snapshots.settle(site, from);
    },
  });
  const volumes = new Volumes({ records: volumeRecords, sites, host, tools, log });
  const snapshots = new Snapshots({ records: snapshotRecords, sites, host, tools, clock, log });
  await sites.at(undefined);
  return { volumes, snapshots, sites, tools };
}
