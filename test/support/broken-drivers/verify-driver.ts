import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger, systemClock, systemRandom } from '../../../src/base/index.ts';
import { type CsiServices, type Routes, serveCsi, unixSockets } from '../../../src/csi/index.ts';
import type { Host } from '../../../src/host/index.ts';
import { createSimulatedHost, Machine, systemError } from '../../../src/host/simulated/index.ts';
import { type Report, type VerifyOptions, verifyDriver } from '../../../src/testing/verify/index.ts';

/** A simulated machine for a driver and its verification: everything but the socket is in memory. */
export function simulatedHost(): Host {
  const machine = new Machine('node-1', systemClock.now, () => 0);
  const host = createSimulatedHost(machine, systemClock.now);
  return {
    ...host,
    files: {
      ...host.files,
      // The simulated machine lets everybody write everywhere.
      async write(path, content, mode) {
        const at = (await host.mounts.list()).findLast(({ target }) => path.startsWith(`${target}/`));
        if (at?.options.includes('ro')) throw systemError('EROFS', 'open', path);
        return host.files.write(path, content, mode);
      },
    },
  };
}

/** Serves a driver and verifies it on the same machine, without a cluster. */
export async function verified(
  services: CsiServices,
  host: Host,
  options: Partial<VerifyOptions> & { wrap?: (routes: Routes) => Routes } = {},
): Promise<Report> {
  const { wrap = (routes: Routes) => routes, ...more } = options;
  const directory = await mkdtemp(join(tmpdir(), 'stowage-broken-'));
  const sockets = {
    ...unixSockets,
    serve: (endpoint: string, routes: Routes, clock: typeof systemClock) =>
      unixSockets.serve(endpoint, wrap(routes), clock),
  };
  const endpoint = `unix://${directory}/csi.sock`;
  const common = { clock: systemClock, log: silentLogger };
  const server = await serveCsi({ ...services, ...common, endpoint, sockets });
  try {
    return await verifyDriver({
      endpoint,
      directory: '/verify',
      sizeBytes: 1n << 20n,
      mutableParameters: { speed: 'high' },
      lifeCycle: false,
      random: systemRandom,
      host,
      ...common,
      ...more,
    });
  } finally {
    await server.stop({ graceMs: 0 });
    await rm(directory, { recursive: true });
  }
}

/** The ids of the checks that ended so. */
export function idsOf(report: Report, kind: Report['results'][number]['outcome']['kind']): string[] {
  return report.results.filter(({ outcome }) => outcome.kind === kind).map(({ id }) => id);
}
