import { execFileSync } from 'node:child_process';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger, systemClock } from '../src/base/index.ts';
import { connectCsi, csi } from '../src/csi/index.ts';
import { openDiskDriver } from '../src/drivers/disk/index.ts';
import { createLinuxHost } from '../src/host/linux/index.ts';
import { type Figure, median, timed } from './figure.ts';

const RUNS = 20;
const GIB = 1024 ** 3;
const SIZE_BYTES = 10 * GIB;
const BUDGET_MS = 50;
/** Written to the full one: enough that a copy would show, and not so much that the disk is worn. */
const WRITTEN_BYTES = 2 * GIB;
const CHUNK = Buffer.alloc(16 * 1024 * 1024, 7);

/** CreateSnapshot of a 10 GiB volume, empty and with data, beside a plain copy of that data. */
export async function snapshots(): Promise<Figure[]> {
  const directory = await mkdtemp(join(tmpdir(), 'stowage-bench-'));
  const pool = join(directory, 'pool');
  const clock = systemClock;
  const host = createLinuxHost({ clock });
  const driver = await openDiskDriver({ pool, host, clock, log: silentLogger });
  const endpoint = `unix://${directory}/csi.sock`;
  await driver.serve(endpoint, 'bench');
  const client = connectCsi(endpoint, { clock, timeoutMs: 120_000 });
  try {
    const mode = csi.VolumeCapability_AccessMode_Mode.SINGLE_NODE_WRITER;
    for (const name of ['empty', 'full']) {
      await client.controller.createVolume({
        name,
        capacityRange: { requiredBytes: BigInt(SIZE_BYTES) },
        volumeCapabilities: [{ accessMode: { mode }, accessType: { case: 'block', value: {} } }],
      });
    }
    const image = join(pool, 'full.img');
    await fill(image);
    const taken = async (volume: string) => {
      const times: number[] = [];
      for (let run = 0; run < RUNS; run++) {
        const name = `${volume}-${run}`;
        times.push(await timed(() => client.controller.createSnapshot({ name, sourceVolumeId: volume })));
      }
      return median(times);
    };
    const copy = await timed(async () => {
      execFileSync('cp', ['--reflink=never', '--sparse=always', image, join(directory, 'copy')]);
      execFileSync('sync', [join(directory, 'copy')]);
    });
    return [
      {
        what: 'snapshot of an empty 10 GiB volume, median',
        value: await taken('empty'),
        unit: 'ms',
        budget: BUDGET_MS,
      },
      {
        what: `snapshot of a 10 GiB volume with ${WRITTEN_BYTES / GIB} GiB in it, median`,
        value: await taken('full'),
        unit: 'ms',
        budget: BUDGET_MS,
        beside: { what: 'cp and sync', value: copy },
      },
    ];
  } finally {
    client.close();
    await driver.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

async function fill(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    for (let at = 0; at < WRITTEN_BYTES; at += CHUNK.length) await file.write(CHUNK, 0, CHUNK.length, at);
    await file.sync();
  } finally {
    await file.close();
  }
}
