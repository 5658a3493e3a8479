import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { createLogger, type Logger, silentLogger, systemClock } from '../base/index.ts';
import { type CsiClient, type CsiClientOptions, connectCsi } from './client.ts';
import { serveInMemory } from './in-memory.ts';
import type { CsiServices } from './server/handlers.ts';
import { serveCsi } from './server/serve.ts';

/** An empty directory that goes with the test. */
export function temporaryDirectory(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'csi-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** A logger that keeps its lines. */
export function keptLog(): { log: Logger; lines: Record<string, unknown>[] } {
  const lines: Record<string, unknown>[] = [];
  const log = createLogger({ level: 'debug', now: () => 0, sink: (line) => lines.push(JSON.parse(line)) });
  return { log, lines };
}

/** A driver with its names filled in. */
export function driver(
  services: Omit<CsiServices, 'identity'> & Partial<Pick<CsiServices, 'identity'>>,
): CsiServices {
  return { identity: { name: 'test.csi.example.org', vendorVersion: '1' }, ...services };
}

/** How a driver is reached. What holds for one must hold for the other. */
export const TRANSPORTS: readonly {
  name: string;
  serve(
    t: TestContext,
    services: CsiServices,
    options?: { log?: Logger } & Omit<CsiClientOptions, 'clock'>,
  ): Promise<CsiClient>;
}[] = [
  {
    name: 'over a socket',
    async serve(t, services, { log = silentLogger, ...clientOptions } = {}) {
      const endpoint = join(temporaryDirectory(t), 'csi.sock');
      const server = await serveCsi({ ...services, endpoint, clock: systemClock, log });
      const client = connectCsi(endpoint, {
        clock: systemClock,
        driver: services.identity.name,
        ...clientOptions,
      });
      t.after(async () => {
        client.close();
        await server.stop({ graceMs: 0 });
      });
      return client;
    },
  },
  {
    name: 'in memory',
    async serve(t, services, { log = silentLogger, ...clientOptions } = {}) {
      const served = serveInMemory(services, { clock: systemClock, log });
      const client = served.connect(clientOptions);
      t.after(() => {
        client.close();
        served.stop();
      });
      return client;
    },
  },
];

/** A promise and what settles it. */
export function gate(): { opened: Promise<void>; open(): void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { opened: promise, open: resolve };
}
