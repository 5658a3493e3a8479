import type { Host } from '../../host/index.ts';
import { isLocked } from './lock.ts';

type Command = readonly [string, ...string[]];

const startFile = (stateDirectory: string) => `${stateDirectory}/start.json`;
/** Says the node's process id, and is locked as long as that runs. */
export const pidFileOf = (stateDirectory: string): string => `${stateDirectory}/pid`;

/** Keeps the command that starts a node of `stowage up`, for whoever starts it alone. */
export async function writeStart(host: Host, stateDirectory: string, command: Command): Promise<void> {
  // An ordinary user's namespaces are below one that only its processes are in.
  const into = [
    'nsenter',
    '--user',
    '--mount',
    '--preserve-credentials',
    '--target',
    String(process.pid),
    '--',
  ];
  const whole = host.info().rootless ? [...into, ...command] : command;
  await host.files.writeAtomic(
    startFile(stateDirectory),
    JSON.stringify({ up: process.pid, command: whole }),
  );
}

/**
 * The command that starts a node of the `stowage up` that runs on a data directory.
 * @throws Error when there is none, or the node runs already: for the user.
 */
export async function readStart(host: Host, dataDirectory: string, name: string): Promise<Command> {
  const stateDirectory = `${dataDirectory}/nodes/${name}`;
  const text = await host.files.read(startFile(stateDirectory)).catch(() => undefined);
  if (text === undefined)
    throw new Error(
      `${name} is no node of ${dataDirectory} that can be started alone: "stowage up --nodes N" with two or more has such nodes`,
    );
  const { up, command } = JSON.parse(text) as { up: number; command: Command };
  const isUp = (await host.files.read(`/proc/${up}/cmdline`).catch(() => '')).includes('\0up\0');
  if (!isUp)
    throw new Error(`${name}: "stowage up" does not run on ${dataDirectory}; start it: it starts its nodes`);
  const pidFile = pidFileOf(stateDirectory);
  if (await isLocked(host, pidFile))
    throw new Error(`${name} runs already, as process ${(await host.files.read(pidFile)).trim()}`);
  return command;
}
