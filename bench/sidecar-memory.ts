import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { silentLogger, systemClock, systemRandom } from '../src/base/index.ts';
import { createHttpClient, loadKubeconfig } from '../src/client/http/index.ts';
import { Informers, waitUntil } from '../src/client/index.ts';
import { persistentVolumeClaims, storageClasses } from '../src/kube/index.ts';
import { STOWAGE, up } from '../test/support/command.ts';
import type { Figure } from './figure.ts';
import { residentMegabytes } from './process.ts';

const WITH = ['provisioner', 'attacher', 'resizer', 'snapshotter', 'health-monitor'];
const LIMIT_MS = 600_000;

/** What all sidecars in one process hold in memory, before and after they made so many volumes, beside a bare Node. */
export async function sidecarMemory(volumes: number): Promise<Figure[]> {
  const directory = await mkdtemp(join(tmpdir(), 'stowage-bench-'));
  const stack = await up(directory, ['--without', 'sidecars']);
  let sidecars: ChildProcess | undefined;
  try {
    const bare = await bareNode();
    sidecars = spawn(
      process.execPath,
      [
        ...['--max-semi-space-size=8', STOWAGE, 'sidecars', `--with=${WITH.join(',')}`],
        ...[`--csi-address=${join(directory, 'data', 'disk.sock')}`, `--kubeconfig=${stack.kubeconfig}`],
      ],
      { stdio: ['ignore', 'ignore', 'inherit'] },
    );
    // The first volume has loaded all code.
    await makeVolumes(stack.kubeconfig, ['first']);
    const idle = await residentMegabytes(sidecars.pid!);
    await makeVolumes(
      stack.kubeconfig,
      Array.from({ length: volumes }, (_, index) => `v-${index}`),
    );
    const after = await residentMegabytes(sidecars.pid!);
    const beside = { what: 'bare Node', value: bare };
    const what = `${WITH.length} sidecars in one process, resident`;
    return [
      { what: `${what}, idle`, value: idle, unit: 'MB', beside },
      { what: `${what}, after ${volumes} volumes`, value: after, unit: 'MB', beside },
    ];
  } finally {
    if (sidecars) {
      const ended = once(sidecars, 'exit');
      sidecars.kill('SIGTERM');
      await ended;
    }
    await stack.end('SIGTERM');
    await rm(directory, { recursive: true, force: true });
  }
}

async function makeVolumes(kubeconfig: string, names: readonly string[]): Promise<void> {
  const connection = await loadKubeconfig(kubeconfig);
  const client = createHttpClient({ ...connection, clock: systemClock, userAgent: 'stowage-bench' });
  const shared = { client, clock: systemClock, random: systemRandom, log: silentLogger };
  const informers = new Informers(shared);
  const abort = new AbortController();
  const running = informers.start(abort.signal);
  try {
    await client
      .create(storageClasses, { metadata: { name: 'bench' }, provisioner: 'disk.csi.stowage.dev' })
      .catch(() => undefined);
    const claims = informers.of(persistentVolumeClaims);
    await Promise.all(
      names.map((name) =>
        client.create(persistentVolumeClaims, {
          metadata: { name, namespace: 'default' },
          spec: {
            storageClassName: 'bench',
            accessModes: ['ReadWriteOnce'],
            resources: { requests: { storage: '16Mi' } },
          },
        }),
      ),
    );
    const isBound = (name: string) => claims.get(name, 'default')?.status?.phase === 'Bound';
    await waitUntil([claims as never], () => names.every(isBound), {
      clock: systemClock,
      limitMs: LIMIT_MS,
      what: 'claims to be Bound',
    });
  } finally {
    abort.abort();
    await running;
    client.close();
  }
}

/** The resident memory of a Node that does nothing. */
async function bareNode(): Promise<number> {
  const child = spawn(process.execPath, ['-e', 'console.log("up"); setInterval(() => {}, 1e6)'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  await once(createInterface({ input: child.stdout! }), 'line');
  const resident = await residentMegabytes(child.pid!);
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
  return resident;
}
