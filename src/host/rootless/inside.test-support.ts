// What a process in a user namespace sees and can do, as JSON on standard output.
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../base/index.ts';
import { createMachineHost } from './host.ts';
import { isRootless } from './is-rootless.ts';

const host = createMachineHost({ clock: systemClock });
const directory = await mkdtemp(join(tmpdir(), 'stowage-rootless-'));
try {
  await host.files.chown(directory, 4_000_000, 4_000_000);
  const { uid, gid } = await stat(directory);
  await host.mounts.mount({ source: 'tmpfs', target: directory, fsType: 'tmpfs' });
  const mounted = await host.mounts.isMountPoint(directory);
  await host.mounts.unmount(directory);
  const seen = { uid: process.getuid?.(), rootless: isRootless(), owner: [uid, gid], mounted };
  process.stdout.write(JSON.stringify(seen));
} finally {
  await rm(directory, { recursive: true });
}
