import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../src/base/index.ts';
import { createLinuxHost } from '../../src/host/linux/index.ts';
import { LET_GO_OF_OTHERS_LOOPS } from '../../src/host/namespaces/index.ts';
import { STOWAGE } from './command.ts';

const BRIDGE = fileURLToPath(new URL('loopback-bridge.js', import.meta.url));

/** A node in mount, PID and network namespaces of its own: a machine, as far as the rest can tell. */
export interface NodeMachine {
  /** Everything that runs on it dies at once. Its mounts in our namespace, which its driver has made, stay. */
  kill(): Promise<void>;
  /** Ends it as SIGTERM does. Resolves to the exit code. */
  end(): Promise<number | null>;
}

/** Starts `stowage node` as a machine of its own; resolves once the node is registered. */
export async function nodeMachine(options: {
  readonly name: string;
  readonly nodeRoot: string;
  readonly kubeconfig: string;
  /** The API server's, on our loopback. */
  readonly port: number;
  readonly flags: readonly string[];
}): Promise<NodeMachine> {
  const { name, nodeRoot, kubeconfig, port } = options;
  const socket = `${nodeRoot}.api`;
  const ours = createServer((from) => {
    const to = connect(port, '127.0.0.1');
    from.pipe(to).pipe(from);
    from.on('error', () => to.destroy());
    to.on('error', () => from.destroy());
  }).listen(socket);
  const node = [STOWAGE, 'node', '--name', name, '--node-root', nodeRoot, '--kubeconfig', kubeconfig];
  const start = `${LET_GO_OF_OTHERS_LOOPS}; ip link set lo up && "$0" "$1" "$2" "$3" & shift 3; exec "$0" "$@"`;
  const child = spawn(
    'unshare',
    [
      ...['--mount', '--propagation', 'slave', '--net', '--pid', '--fork', '--kill-child', '--mount-proc'],
      ...['/bin/sh', '-c', start, process.execPath, BRIDGE, String(port), socket],
      ...[...node, '--port', '0', '--log-level', 'warn', ...options.flags],
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    said += text;
  });
  const ended = once(child, 'exit') as Promise<[number | null]>;
  const registered = (async () => {
    for await (const line of createInterface({ input: child.stdout }))
      if (/is registered/.test(line)) return true;
    return false;
  })();
  const limit = setTimeout(() => child.kill('SIGKILL'), 60_000);
  const isUp = await registered;
  clearTimeout(limit);
  if (!isUp) {
    ours.close();
    throw new Error(`node ${name} did not come up\n${said}`);
  }
  /** Process 1 of the machine: its parent hears of its end when all others there have ended. */
  const signal = async (name: NodeJS.Signals) => {
    const children = await readFile(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8');
    process.kill(Number(children.trim()), name);
    const [code] = await ended;
    ours.close();
    return code;
  };
  return {
    async kill() {
      await signal('SIGKILL');
    },
    end: () => signal('SIGTERM'),
  };
}

/** Takes down all mounts below a directory, as a machine does that loses its power. */
export async function unmountBelow(directory: string): Promise<void> {
  const { mounts } = createLinuxHost({ clock: systemClock });
  const below = (await mounts.list()).filter(({ target }) => target.startsWith(`${directory}/`));
  for (const { target } of below.reverse()) await mounts.unmount(target);
}
