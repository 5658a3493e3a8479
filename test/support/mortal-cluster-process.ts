// A whole cluster in a process that kills itself at a chosen call to the machine: mortal-cluster-process.ts DIRECTORY.
// It says `ready` once it is, and takes a Moment, a line of JSON, on its standard input. SIGTERM ends it as Ctrl-C does.
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { systemClock } from '../../src/base/index.ts';
import { startCluster } from '../../src/cluster.ts';
import type { Host } from '../../src/host/index.ts';
import { createLinuxHost } from '../../src/host/linux/index.ts';
import type { Moment } from './mortal-cluster.ts';

const directory = process.argv[2]!;
let armed: Moment | undefined;

/** Dies here, if this is the moment. */
function pass(when: Moment['when'], call: string, args: readonly unknown[]): void {
  if (armed?.when !== when || armed.call !== call) return;
  const at = args.map((argument) =>
    typeof argument === 'object' ? JSON.stringify(argument) : String(argument),
  );
  if (new RegExp(armed.at).test(at.join(' '))) process.kill(process.pid, 'SIGKILL');
}

function mortal<T extends object>(part: T, name: string): T {
  return new Proxy(part, {
    get(target, key) {
      const method = Reflect.get(target, key) as unknown;
      if (typeof method !== 'function') return method;
      return (...args: unknown[]) => {
        pass('before', `${name}.${String(key)}`, args);
        const answer: unknown = method.apply(target, args);
        if (!(answer instanceof Promise)) return answer;
        return answer.finally(() => pass('after', `${name}.${String(key)}`, args));
      };
    },
  });
}

const host = createLinuxHost({ clock: systemClock });
const cluster = await startCluster({
  dataDir: join(directory, 'data'),
  kubeconfig: join(directory, 'kubeconfig'),
  host: {
    ...host,
    files: mortal(host.files, 'files'),
    mounts: mortal(host.mounts, 'mounts'),
    loops: mortal(host.loops, 'loops'),
    disks: mortal(host.disks, 'disks'),
  } satisfies Host,
});
process.once('SIGTERM', () => void cluster.stop().then(() => process.exit(0)));
createInterface({ input: process.stdin }).on('line', (line) => {
  armed = JSON.parse(line) as Moment;
  process.stdout.write('armed\n');
});
process.stdout.write('ready\n');
