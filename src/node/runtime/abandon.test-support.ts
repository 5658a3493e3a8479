// An agent that starts a container and then waits to be killed: node abandon.test-support.ts DIRECTORY
import { systemClock } from '../../base/index.ts';
import { runtimeAt, shellContainer } from './runtime.test-support.ts';

const runtime = runtimeAt(process.argv[2]!);
await runtime.open();
const script =
  'echo one; trap "echo three; exit 7" TERM; while [ ! -e /tmp/go ]; do sleep 0.02; done; echo two; while :; do sleep 0.02; done';
const { id } = await runtime.start(shellContainer(script));
process.stdout.write(`${id}\n`);
systemClock.after(1_000_000, () => undefined);
