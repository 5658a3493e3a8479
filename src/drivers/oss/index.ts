import type { Clock, Logger } from '../../base/index.ts';
import { type SocketServer, type Sockets, serveCsi } from '../../csi/index.ts';
import type { Host } from '../../host/index.ts';
import { ossController } from './controller.ts';
import { FuseClients } from './fuse-clients.ts';
import { ossNode } from './node.ts';

export const OSS_DRIVER = 'oss.csi.stowage.dev';

export interface OssDriverOptions {
  /** What it is called, where another of its kind serves the same cluster. @default oss.csi.stowage.dev */
  readonly name?: string;
  /** The services of which node to serve too, and the directory of what must be known of its mounts; made if absent. */
  readonly node?: { readonly id: string; readonly stateDir: string };
  readonly host: Host;
  readonly clock: Clock;
  readonly log: Logger;
  /** How object stores are reached. */
  readonly fetch: typeof fetch;
  /** @default gRPC over Unix sockets */
  readonly sockets?: Sockets;
}

/**
 * `oss.csi.stowage.dev`: a volume is a bucket of an S3-compatible object store, or a prefix in one, mounted by an installed
 * FUSE client on as many nodes as want it. The controller keeps nothing, and can run anywhere.
 */
export interface OssDriver {
  /** Serves on a Unix socket. */
  serve(endpoint: string): Promise<SocketServer>;
  /** Stops serving. Volumes stay mounted: their clients go on, and the next driver knows them again. */
  stop(): Promise<void>;
}

/** @throws Error if the state directory cannot be had, or holds a record that cannot be read. */
export async function openOssDriver(options: OssDriverOptions): Promise<OssDriver> {
  const { name = OSS_DRIVER, node, host, clock, log, fetch, sockets } = options;
  const clients = node && (await FuseClients.open({ stateDir: node.stateDir, host, clock, log }));
  const servers: SocketServer[] = [];
  return {
    async serve(endpoint) {
      const server = await serveCsi({
        endpoint,
        clock,
        log,
        sockets,
        identity: { name, vendorVersion: '0.1.0' },
        controller: ossController({ fetch, clock }),
        ...(clients && { node: ossNode({ clients, host, fetch, clock, nodeId: node!.id }) }),
      });
      servers.push(server);
      return server;
    },
    async stop() {
      await Promise.all(servers.map((server) => server.stop()));
    },
  };
}
