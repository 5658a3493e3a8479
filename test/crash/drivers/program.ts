// A CSI driver alone on a directory, for the crash test: prints its socket once it serves.
import { flushCompileCache } from 'node:module';
import { join } from 'node:path';
import { systemClock as clock, silentLogger as log } from '../../../src/base/index.ts';
import { openDiskDriver } from '../../../src/drivers/disk/index.ts';
import { openNasDriver } from '../../../src/drivers/nas/index.ts';
import { createLinuxHost } from '../../../src/host/index.ts';

const [kind, directory = ''] = process.argv.slice(2);
const common = { host: createLinuxHost({ clock }), clock, log };
const driver =
  kind === 'disk'
    ? await openDiskDriver({ ...common, pool: join(directory, 'storage') })
    : await openNasDriver({ ...common, directory: join(directory, 'storage') });
const endpoint = `unix://${directory}/csi.sock`;
await driver.serve(endpoint, 'n1');
process.on('SIGTERM', async () => {
  await driver.stop();
  process.exit(0);
});
process.stdout.write(`${endpoint}\n`);
// It is written at the exit, which never comes: without it each start would compile everything anew.
flushCompileCache();
