import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { watch } from 'node:fs';
import { access, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export const STOWAGE = fileURLToPath(new URL('../../bin/stowage.js', import.meta.url));
export const EXAMPLE = fileURLToPath(new URL('../../examples/statefulset.yaml', import.meta.url));

export interface Output {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command to its end; killed, and rejected, after `limitMs`. */
export async function run(
  command: string,
  args: readonly string[],
  options: { limitMs?: number; env?: NodeJS.ProcessEnv; input?: string } = {},
): Promise<Output> {
  const { limitMs = 60_000 } = options;
  const child = spawn(command, args, {
    env: { ...process.env, ...options.env },
    signal: AbortSignal.timeout(limitMs),
    killSignal: 'SIGKILL',
  });
  const output = collect(child);
  // A command that does not read its input is no failure.
  child.stdin.on('error', () => undefined).end(options.input ?? '');
  try {
    const [code] = await once(child, 'close');
    return { code, ...output() };
  } catch (error) {
    const { stdout, stderr } = output();
    throw new Error(
      `${command} ${args.join(' ')} did not end within ${limitMs / 1000}s\n${stdout}${stderr}`,
      { cause: error },
    );
  }
}

export function stowage(args: readonly string[], options: { limitMs?: number } = {}): Promise<Output> {
  return run(process.execPath, [STOWAGE, ...args], options);
}

/** kubectl on a kubeconfig; rejects when it fails, with what it said. */
export async function kubectl(
  kubeconfig: string,
  args: readonly string[],
  options: { input?: string; limitMs?: number } = {},
): Promise<string> {
  const { code, stdout, stderr } = await kubectlResult(kubeconfig, args, options);
  if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: exit ${code}\n${stdout}${stderr}`);
  return stdout;
}

export function kubectlResult(
  kubeconfig: string,
  args: readonly string[],
  options: { input?: string; limitMs?: number } = {},
): Promise<Output> {
  const env = { KUBECONFIG: kubeconfig, HOME: dirname(kubeconfig) };
  return run('kubectl', args, { ...options, env });
}

/**
 * The arguments that show an object and each of its changes. Not `get KIND NAME -w`: that drops what happens between
 * its get and its watch.
 */
export const watchOf = (kind: string, name: string): string[] => [
  ...['get', kind, '--field-selector', `metadata.name=${name}`, '-w'],
];

/** Runs a kubectl that watches until a line of its output matches; resolves to the line. */
export async function kubectlUntil(
  kubeconfig: string,
  args: readonly string[],
  says: RegExp,
  options: { limitMs?: number } = {},
): Promise<string> {
  const { limitMs = 60_000 } = options;
  const env = { ...process.env, KUBECONFIG: kubeconfig, HOME: dirname(kubeconfig) };
  const child = spawn('kubectl', args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const output = collect(child);
  const timer = setTimeout(() => child.kill('SIGKILL'), limitMs);
  try {
    for await (const line of createInterface({ input: child.stdout })) if (says.test(line)) return line;
  } finally {
    clearTimeout(timer);
    child.kill('SIGKILL');
  }
  const { stdout, stderr } = output();
  throw new Error(
    `kubectl ${args.join(' ')} did not say ${says} within ${limitMs / 1000}s\n${stdout}${stderr}`,
  );
}

/**
 * Resolves once no object of the resource is left, or not the one (`KIND/NAME`). Objects may go at any moment, which
 * kubectl wait takes for an error.
 */
export async function waitGone(kubeconfig: string, what: string, limitMs = 60_000): Promise<void> {
  const deadline = performance.now() + limitMs;
  for (;;) {
    const answer = await kubectl(kubeconfig, ['get', what, '--ignore-not-found', '-o', 'name']);
    const names = answer.split('\n').filter(Boolean);
    if (names.length === 0) return;
    if (performance.now() > deadline)
      throw new Error(`still there after ${limitMs / 1000}s: ${names.join(' ')}`);
    await kubectlResult(kubeconfig, ['wait', '--for=delete', ...names, '--timeout=10s']);
  }
}

/** A running `stowage up`. */
export interface Up {
  readonly child: ChildProcess;
  readonly kubeconfig: string;
  readonly output: () => { stdout: string; stderr: string };
  /** Ends it by a signal; resolves to its exit code (null when the signal itself ended it). */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

/** Starts `stowage up` on a directory, through another command if one is named; resolves once it is ready. */
export async function up(
  directory: string,
  flags: readonly string[] = [],
  through: readonly string[] = [],
  limitMs = 60_000,
): Promise<Up> {
  const readyFile = join(directory, `ready-${process.hrtime.bigint()}`);
  const kubeconfig = join(directory, 'kubeconfig');
  const args = [
    'up',
    '--data-dir',
    join(directory, 'data'),
    '--port',
    '0',
    '--kubeconfig',
    kubeconfig,
    '--ready-file',
    readyFile,
    ...flags,
  ];
  const [command, ...rest] = [...through, process.execPath, STOWAGE, ...args];
  const child = spawn(command!, rest, { stdio: ['ignore', 'pipe', 'pipe'] });
  const output = collect(child);
  const closed = once(child, 'close') as Promise<[number | null]>;
  const ready = await Promise.race([fileAppears(readyFile, limitMs), closed.then(() => false)]);
  if (!ready) {
    child.kill('SIGKILL');
    const { stdout, stderr } = output();
    throw new Error(`stowage ${args.join(' ')} did not become ready\n${stdout}${stderr}`);
  }
  return {
    child,
    kubeconfig,
    output,
    async end(signal) {
      child.kill(signal);
      const [code] = await closed;
      return code;
    },
  };
}

function collect(child: ChildProcess): () => { stdout: string; stderr: string } {
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text) => {
    stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text) => {
    stderr += text;
  });
  return () => ({ stdout, stderr });
}

/** Whether the file is there before `limitMs` are over. */
async function fileAppears(path: string, limitMs: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const watcher = watch(dirname(path), (_event, name) => {
    if (name === basename(path)) resolve(true);
  });
  const timer = setTimeout(() => resolve(false), limitMs);
  // Whoever has stopped waiting must not be kept.
  timer.unref();
  watcher.unref();
  await access(path).then(
    () => resolve(true),
    () => undefined,
  );
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    watcher.close();
  }
}

export async function readText(path: string): Promise<string> {
  return readFile(path, 'utf8');
}

/** Why tests that mount cannot run here; false when they can. For the `skip` option of a test. */
export const cannotMount: string | false =
  process.geteuid?.() === 0 ? false : 'needs root: mounts, loop devices and namespaces';
