import type { Host, ProcessId } from '../../host/index.ts';
import { LET_GO_OF_OTHERS_LOOPS } from '../../host/namespaces/index.ts';

/** Says which process holds a node's mount namespace. */
const holderFile = (stateDirectory: string) => `${stateDirectory}/namespace`;

/**
 * Prepares the namespace that it is started in, and stays. What is mounted on the machine later is seen in it, but not what is
 * for other nodes, and pods of it hand on what they are told to. The disk driver's own file system ($1) is none of a node's
 * business: while a node has it too, it could not be unmounted.
 */
const HOLD = `
  if mountpoint -q "$1"; then umount --lazy "$1"; fi; shift
  ${LET_GO_OF_OTHERS_LOOPS}
  mount --make-rshared /
  for other; do mount --make-private "$other"; done
  echo $$ >"$0"; echo held
  `;
/** For ever; an ordinary user's ends with us: another process of his could not enter it. */
const STAY = 'while :; do sleep 1000000; done';
const STAY_WITH_US = 'cat >/dev/null; exit 0';

/** Starts the process that holds a new mount namespace; resolves once that is prepared. `paths`: the pool, and the roots of others. */
export async function startHolder(
  host: Host,
  stateDirectory: string,
  paths: readonly string[],
): Promise<ProcessId> {
  const file = holderFile(stateDirectory);
  await host.files.makeDirectory(stateDirectory, 0o700);
  const script = HOLD + (host.info().rootless ? STAY_WITH_US : STAY);
  const { streams, exit } = host.processes.connect(
    'unshare',
    ['--mount', '--propagation', 'slave', '--', '/bin/sh', '-ec', script, file, ...paths],
    3,
  );
  const [, stdout, stderr] = streams;
  const said = text(stderr);
  const isHeld = new Promise<true>((resolve) => stdout.once('data', () => resolve(true)));
  if ((await Promise.race([isHeld, exit])) !== true)
    throw new Error(`a mount namespace cannot be made: ${(await said).trim()}`);
  const holder = await findHolder(host, stateDirectory);
  if (!holder) throw new Error(`the process that is to hold a mount namespace is gone (${file})`);
  return holder;
}

/** The process that holds a node's namespace, if there is one. */
export async function findHolder(host: Host, stateDirectory: string): Promise<ProcessId | undefined> {
  const file = holderFile(stateDirectory);
  const pid = Number(await host.files.read(file).catch(() => ''));
  if (!(pid > 0)) return undefined;
  // The number may be another's by now.
  const commandLine = await host.files.read(`/proc/${pid}/cmdline`).catch(() => '');
  return commandLine.includes(`\0${file}\0`) ? host.processes.find(pid) : undefined;
}

/** Those of all nodes of a data directory. */
export async function holdersIn(host: Host, directory: string): Promise<readonly ProcessId[]> {
  const names = await host.files.list(`${directory}/nodes`).catch(() => []);
  const found = await Promise.all(names.map((name) => findHolder(host, `${directory}/nodes/${name}`)));
  return found.filter((holder) => holder !== undefined);
}

async function text(stream: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
