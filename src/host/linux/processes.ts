import { spawn as spawnChild } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { type Clock, TimeoutError, type Timer } from '../../base/index.ts';
import type {
  ConnectedProcess,
  ExecOptions,
  ExecResult,
  Processes,
  ProcessId,
  SpawnRequest,
} from '../host.ts';
import { parseStat } from './proc-stat.ts';
import type { Shell } from './shell.ts';
import { quote, ShellPool } from './shell-pool.ts';
import { MissingToolError } from './tools.ts';

const DEFAULT_TIMEOUT_MS = 120_000;
const DEFAULT_MAX_OUTPUT_BYTES = 1024 * 1024;
/** What a process waits for that is not to run before it is known. */
const GO = 'go';
/** How long the output of a killed group is waited for. */
const LINGER_MS = 1_000;
/** Administration tools live in sbin, which a login shell may lack. */
const PATH = `${process.env.PATH ?? ''}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`;

export function createProcesses(clock: Clock): Processes {
  const shells = new ShellPool(environment(undefined));
  return {
    exec: (command, args, options = {}) =>
      options.leavesNoProcess
        ? execInShell(shells, clock, command, args, options)
        : exec(clock, command, args, options),
    spawn: (request) => spawnFromShell(shells, request),
    connect: connectProcess,
    async isAlive({ pid, startTicks }) {
      return (await find(pid))?.startTicks === startTicks;
    },
    async kill(id, signal, options) {
      // A zombie still holds its number, and its group may live on.
      const stat = readStat(id.pid);
      if (stat?.startTicks !== id.startTicks) return;
      signalPid(options?.group ? -id.pid : id.pid, signal);
    },
    children,
    find,
  };
}

function environment(more: Readonly<Record<string, string>> | undefined): Record<string, string> {
  return { PATH, LC_ALL: 'C', ...more };
}

function exec(
  clock: Clock,
  command: string,
  args: readonly string[],
  options: ExecOptions,
): Promise<ExecResult> {
  const { promise, resolve, reject } = Promise.withResolvers<ExecResult>();
  const { signal, input, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  if (signal?.aborted) return Promise.reject(signal.reason);
  const limit = options.maxOutputBytes ?? DEFAULT_MAX_OUTPUT_BYTES;
  const shown = options.argumentsAreSecret ? [] : args;
  // A group of its own, so that what it starts can be ended with it.
  const child = spawnChild(command, [...args], {
    cwd: options.cwd,
    env: environment(options.env),
    detached: true,
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  });
  let failure: unknown;
  let lingering: Timer | undefined;
  const give = (reason: unknown) => {
    failure ??= reason;
    if (child.pid !== undefined) signalPid(-child.pid, 'SIGKILL');
    // The group is gone when they are closed; but what has left it may hold them open for ever.
    lingering ??= clock.after(LINGER_MS, () => {
      child.stdout?.destroy();
      child.stderr?.destroy();
    });
  };
  const timer = clock.after(timeoutMs, () => give(new TimeoutError(commandLine(command, shown), timeoutMs)));
  const onAbort = () => give(signal!.reason);
  signal?.addEventListener('abort', onAbort, { once: true });

  const collect = (stream: NodeJS.ReadableStream | null) => {
    const chunks: Buffer[] = [];
    let size = 0;
    stream?.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > limit) give(new Error(`${commandLine(command, shown)}: wrote more than ${limit} bytes`));
      else chunks.push(chunk);
    });
    return () => Buffer.concat(chunks).toString('utf8');
  };
  const stdout = collect(child.stdout);
  const stderr = collect(child.stderr);
  const settle = (finish: () => void) => {
    timer.cancel();
    lingering?.cancel();
    signal?.removeEventListener('abort', onAbort);
    finish();
  };
  child.once('error', (error) => settle(() => reject(startFailure(command, shown, error))));
  child.once('close', (code, signalName) =>
    settle(() => {
      if (failure !== undefined) reject(failure);
      else if (code === null)
        reject(new Error(`${commandLine(command, shown)}: ended by ${signalName}: ${stderr().trim()}`));
      else resolve({ exitCode: code, stdout: stdout(), stderr: stderr() });
    }),
  );
  // A command that does not read all of its input is no failure.
  child.stdin?.on('error', () => undefined);
  if (input !== undefined) child.stdin?.end(input);
  return promise;
}

function connectProcess(command: string, args: readonly string[], descriptors: number): ConnectedProcess {
  const stdio = Array.from({ length: descriptors }, () => 'pipe' as const);
  const child = spawnChild(command, [...args], {
    cwd: '/',
    env: environment(undefined),
    detached: true,
    stdio,
  });
  const { promise: exit, resolve, reject } = Promise.withResolvers<number | undefined>();
  child.once('error', (error) => reject(startFailure(command, args, error)));
  child.once('exit', (code) => resolve(code ?? undefined));
  // A peer that goes away is seen by its end.
  for (const stream of child.stdio) stream?.on('error', () => undefined);
  return { streams: child.stdio as unknown as ConnectedProcess['streams'], exit };
}

/** Runs a tool from a shell: quicker, but only for what leaves no process behind that holds its output. */
async function execInShell(
  shells: ShellPool,
  clock: Clock,
  command: string,
  args: readonly string[],
  options: ExecOptions,
): Promise<ExecResult> {
  const { signal, timeoutMs = DEFAULT_TIMEOUT_MS, maxOutputBytes = DEFAULT_MAX_OUTPUT_BYTES } = options;
  const shown = options.argumentsAreSecret ? [] : args;
  signal?.throwIfAborted();
  let kill: (reason: unknown) => void = () => undefined;
  const timer = clock.after(timeoutMs, () => kill(new TimeoutError(commandLine(command, shown), timeoutMs)));
  const onAbort = () => kill(signal!.reason);
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    const result = await shells.run(script(command, args, options), {
      maxOutputBytes,
      begun: (shell) => {
        kill = (reason) => shell.kill(reason);
      },
    });
    if (result.exitCode === 127 && /not found$/.test(result.stderr.trim()))
      throw new MissingToolError(command);
    return result;
  } finally {
    timer.cancel();
    signal?.removeEventListener('abort', onAbort);
  }
}

/** The command as a line of a script, with its environment, directory and input. */
function script(
  command: string,
  args: readonly string[],
  { env, cwd, input }: ExecOptions,
  redirections = '',
): string {
  const assignments = Object.entries(env ?? {}).map(([name, value]) => `${name}=${quote(value)} `);
  const call = `${assignments.join('')}${[command, ...args].map(quote).join(' ')} ${redirections}${stdinOf(input)}`;
  // On a line of its own, the parenthesis is not taken for a part of the input's end mark.
  return cwd === undefined ? call : `(cd ${quote(cwd)} && ${call}\n)`;
}

/** A redirection of standard input: the shell's own is where its scripts come from. */
function stdinOf(input: string | undefined): string {
  if (input === undefined) return '</dev/null';
  const end = `END_${createHash('sha256').update(input).digest('hex')}`;
  return `<<'${end}'\n${input}${input.endsWith('\n') ? '' : '\n'}${end}\n`;
}

/**
 * Starts a process in a session of its own. A shell starts it in the foreground and waits for it: in the background it
 * would ignore SIGINT, and nobody would learn of its end.
 */
function spawnFromShell(shells: ShellPool, request: SpawnRequest): Promise<ProcessId> {
  const {
    command,
    args,
    env,
    cwd = '/',
    input,
    before,
    stdoutPath = '/dev/null',
    stderrPath = '/dev/null',
  } = request;
  const { promise, resolve, reject } = Promise.withResolvers<ProcessId>();
  // Our end closes what it reads from.
  const wait = before ? `read -r word <&3; [ "$word" = ${GO} ] || exit 1; exec 3<&-; ` : '';
  // The number is told once the session is its own: its group can be signalled from then on.
  const started = `echo $$; ${wait}exec "$@" >>${quote(stdoutPath)} 2>>${quote(stderrPath)}`;
  let known = false;
  let shell: Pick<Shell, 'release' | 'tell'> | undefined;
  const tell = async (id: ProcessId) => {
    try {
      await before?.(id);
      if (before) shell?.tell(GO);
      resolve(id);
    } catch (error) {
      shell?.tell('stay');
      reject(error);
    }
    shell?.release();
  };
  const run = shells.run(
    script(
      'setsid',
      ['/bin/sh', '-c', started, 'sh', command, ...args],
      { env, cwd, input },
      before ? '3<&0 ' : '',
    ),
    {
      maxOutputBytes: DEFAULT_MAX_OUTPUT_BYTES,
      begun: (taken) => {
        shell = taken;
      },
      onStdout: (text) => {
        if (known || !text.includes('\n')) return;
        known = true;
        const pid = Number.parseInt(text, 10);
        // Ended already: a start time that nothing has.
        void tell({ pid, startTicks: readStat(pid)?.startTicks ?? 0n });
      },
    },
  );
  run.then(
    ({ exitCode, stderr }) => {
      if (!known) reject(new Error(`${commandLine(command, args)}: cannot start: ${stderr.trim()}`));
      else request.onExit?.(exitCode > 128 ? undefined : exitCode);
    },
    (error) => {
      if (!known) reject(error);
      else request.onExit?.(undefined);
    },
  );
  return promise;
}

function startFailure(command: string, args: readonly string[], error: NodeJS.ErrnoException): Error {
  if (error.code === 'ENOENT' && !command.includes('/'))
    return new MissingToolError(command, { cause: error });
  return new Error(`${commandLine(command, args)}: cannot start: ${error.message}`, { cause: error });
}

/** For messages. Arguments of the tools that we call carry no secrets; long ones are cut. */
function commandLine(command: string, args: readonly string[]): string {
  const text = [command, ...args].join(' ');
  return text.length > 200 ? `${text.slice(0, 197)}...` : text;
}

function signalPid(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Read at once: the kernel answers from memory, in a fraction of the time that the way through the thread pool takes. */
function readStat(pid: number) {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return undefined;
  }
}

async function find(pid: number): Promise<ProcessId | undefined> {
  const stat = readStat(pid);
  if (!stat || stat.state === 'Z' || stat.state === 'X') return undefined;
  return { pid, startTicks: stat.startTicks };
}

async function children(pid: number): Promise<readonly ProcessId[]> {
  let tasks: string[];
  try {
    tasks = await readdir(`/proc/${pid}/task`);
  } catch {
    return [];
  }
  const lists = await Promise.all(
    tasks.map((task) => readFile(`/proc/${pid}/task/${task}/children`, 'utf8').catch(() => '')),
  );
  const pids = lists.flatMap((list) => list.split(' ').filter((text) => text !== ''));
  const found = (await Promise.all(pids.map((text) => find(Number(text))))).filter((id) => id !== undefined);
  return found.sort((a, b) =>
    a.startTicks < b.startTicks ? -1 : a.startTicks > b.startTicks ? 1 : a.pid - b.pid,
  );
}
