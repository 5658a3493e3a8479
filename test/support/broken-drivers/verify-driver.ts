import { silentLogger, systemClock, systemRandom } from '../../../src/base/index.ts';
import {
  type CsiServices,
  memorySockets,
  type Routes,
  type Sockets,
  serveCsi,
} from '../../../src/csi/index.ts';
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

const ENDPOINT = 'unix:///csi.sock';

/** Serves a driver and verifies it on the same machine, without a cluster. */
export async function verified(
  services: CsiServices,
  host: Host,
  options: Partial<VerifyOptions> & { wrap?: (routes: Routes) => Routes } = {},
): Promise<Report> {
  const { wrap = (routes: Routes) => routes, ...more } = options;
  // Nobody looks for its file.
  const memory = memorySockets({ place: () => undefined, remove: () => undefined });
  const sockets: Sockets = {
    ...memory,
    serve: (endpoint, routes, clock) => memory.serve(endpoint, wrap(routes), clock),
  };
  const common = { endpoint: ENDPOINT, clock: systemClock, log: silentLogger, sockets };
  const server = await serveCsi({ ...services, ...common });
  try {
    return await verifyDriver({
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
  }
}

/** The ids of the checks that ended so. */
export function idsOf(report: Report, kind: Report['results'][number]['outcome']['kind']): string[] {
  return report.results.filter(({ outcome }) => outcome.kind === kind).map(({ id }) => id);
}
