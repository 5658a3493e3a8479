// A CSI driver alone on a directory, for the crash test: prints its socket once it serves.
import { flushCompileCache } from 'node:module';
import { systemClock as clock, silentLogger as log } from '../../../src/base/index.ts';
import { openDiskDriver } from '../../../src/drivers/disk/index.ts';
import { openNasDriver } from '../../../src/drivers/nas/index.ts';
import { openOssDriver } from '../../../src/drivers/oss/index.ts';
import { createLinuxHost } from '../../../src/host/index.ts';
import { storageDirectory } from './directories.ts';

const [kind = '', directory = ''] = process.argv.slice(2);
const common = { host: createLinuxHost({ clock }), clock, log };
const storage = storageDirectory(directory);
const NODE = 'n1';
const open: Record<
  string,
  () => Promise<{ serve(at: string, nodeId?: string): unknown; stop(): Promise<void> }>
> = {
  disk: () => openDiskDriver({ ...common, pool: storage }),
  nas: () => openNasDriver({ ...common, directory: storage }),
  oss: () => openOssDriver({ ...common, fetch, node: { id: NODE, stateDir: storage } }),
};
const driver = await open[kind]!();
const endpoint = `unix://${directory}/csi.sock`;
await driver.serve(endpoint, NODE);
process.on('SIGTERM', async () => {
  await driver.stop();
  process.exit(0);
});
process.stdout.write(`${endpoint}\n`);
// It is written at the exit, which never comes: without it each start would compile everything anew.
flushCompileCache();
