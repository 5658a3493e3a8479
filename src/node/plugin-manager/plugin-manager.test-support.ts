import * as fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { createLocalClient, createRegistry, openStore } from '../../apiserver/index.ts';
import {
  type Clock,
  type Logger,
  seededRandom,
  silentLogger,
  systemClock,
  withDeadline,
} from '../../base/index.ts';
import { Informers, waitUntil } from '../../client/index.ts';
import { serveCsi, serveRegistration } from '../../csi/index.ts';
import { createLinuxHost } from '../../host/index.ts';
import { type CSINode, csiNodes, nodes, type Stored } from '../../kube/index.ts';
import { CsiDrivers } from '../../volume/plugins/csi/index.ts';
import { createPluginManager } from './index.ts';

export const NODE = 'node-1';
export const DRIVER = 'disk.example.org';

export interface DriverOptions {
  readonly topology?: Record<string, string>;
  readonly versions?: string[];
  readonly registrationName?: string;
  /** How many volumes the node takes. @default 5 */
  readonly maxVolumes?: () => bigint;
}

export async function start(test: TestContext, options: { node?: boolean; clock?: Clock } = {}) {
  const { clock = systemClock } = options;
  const root = await fs.mkdtemp(join(tmpdir(), 'plugin-manager-'));
  const registry = join(root, 'plugins_registry');
  const controller = new AbortController();
  const { signal } = controller;
  const store = await openStore({ memory: true });
  const real = createLocalClient(
    await createRegistry({ store, clock: systemClock, random: seededRandom(1) }),
  );
  const hooks: { beforeGet?: () => void } = {};
  const client: typeof real = {
    ...real,
    get: (async (...call: Parameters<typeof real.get>) => {
      hooks.beforeGet?.();
      return real.get(...call);
    }) as typeof real.get,
  };
  const informers = new Informers({ client, clock: systemClock, random: seededRandom(2), log: silentLogger });
  const running = [informers.start(signal)];
  const stops: (() => Promise<void>)[] = [];
  if (options.node !== false) await client.create(nodes, { metadata: { name: NODE } });
  const drivers = new CsiDrivers(systemClock);
  const delays: number[] = [];
  const delayed = new Set<() => void>();
  const log: Logger = {
    ...silentLogger,
    warn: (_message, fields) => {
      delays.push(typeof fields?.retryAfterMs === 'number' ? fields.retryAfterMs : 0);
      for (const look of delayed) look();
    },
  };
  /** The back-offs of what failed (0: it says none), once there are so many. */
  const backoffs = (count: number) => {
    const { promise, resolve } = Promise.withResolvers<readonly number[]>();
    const look = () => {
      if (delays.length >= count) resolve(delays);
    };
    delayed.add(look);
    look();
    return withDeadline(systemClock, 60_000, `${count} failures`, promise);
  };
  const boot = () => {
    const manager = createPluginManager({
      host: createLinuxHost({ clock: systemClock }),
      client,
      informers,
      nodeName: NODE,
      nodeRoot: root,
      drivers,
      clock,
      log,
    });
    running.push(manager.start(signal));
  };
  test.after(async () => {
    controller.abort();
    await Promise.all(running);
    for (const stop of stops) await stop();
    await fs.rm(root, { recursive: true });
  });

  /** A driver and its registration socket. */
  async function serve(driver: DriverOptions = {}) {
    await fs.mkdir(registry, { recursive: true });
    const shared = { clock: systemClock, log: silentLogger };
    const server = await serveCsi({
      ...shared,
      endpoint: join(root, 'csi.sock'),
      identity: { name: DRIVER, vendorVersion: '1' },
      node: {
        nodeGetInfo: () => ({
          nodeId: 'id-1',
          maxVolumesPerNode: driver.maxVolumes?.() ?? 5n,
          accessibleTopology: driver.topology ? { segments: driver.topology } : undefined,
        }),
        nodePublishVolume: () => ({}),
        nodeUnpublishVolume: () => ({}),
      },
    });
    let told = false;
    const outcome = Promise.withResolvers<{ registered: boolean; error: string }>();
    const registration = await serveRegistration({
      ...shared,
      socketPath: join(registry, `${driver.registrationName ?? DRIVER}-reg.sock`),
      driverName: DRIVER,
      endpoint: join(root, 'csi.sock'),
      supportedVersions: driver.versions,
      onStatus(status) {
        told = true;
        outcome.resolve(status);
      },
    });
    const stop = async () => {
      await registration.stop({ graceMs: 0 });
      await server.stop({ graceMs: 0 });
    };
    stops.push(stop);
    return {
      stop,
      /** What the driver was told. */
      status: () => withDeadline(systemClock, 60_000, 'the registration status', outcome.promise),
      wasTold: () => told,
    };
  }

  const csiNode = (what: string, look: (node: Stored<CSINode>) => boolean) =>
    waitUntil(
      [informers.of(csiNodes)] as never,
      () => {
        const found = informers.of(csiNodes).get(NODE);
        return found && look(found) && found;
      },
      { clock: systemClock, limitMs: 60_000, what },
    );
  return { client, backoffs, hooks, informers, drivers, boot, serve, csiNode, registry, root };
}
