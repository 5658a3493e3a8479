// An agent that starts a container and then waits to be killed: node abandon.test-support.ts DIRECTORY
import { dirname } from 'node:path';
import { systemClock } from '../../base/index.ts';
import { createLinuxHost } from '../../host/index.ts';
import { runtimeAt, shellContainer } from './runtime.test-support.ts';

const runtime = runtimeAt(process.argv[2]!);
await runtime.open();
const script =
  'trap "echo three; exit 7" TERM; echo one; while [ ! -e /tmp/go ]; do sleep 0.02; done; echo two; while :; do sleep 0.02; done';
const { id, logPath } = await runtime.start(shellContainer(script));
// Only once it has said something is its trap set: until then process 1 of a namespace ignores the signal.
const { files } = createLinuxHost({ clock: systemClock });
const { promise: said, resolve } = Promise.withResolvers<void>();
const look = async () => {
  if ((await files.read(logPath).catch(() => '')).includes(' one')) resolve();
};
files.watchDirectory(dirname(logPath), () => void look());
await Promise.all([look(), said]);
process.stdout.write(`${id}\n`);
systemClock.after(1_000_000, () => undefined);
