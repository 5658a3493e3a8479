import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../src/base/index.ts';
import { createHttpClient, type HttpClient } from '../../src/client/http/index.ts';

const PROGRAM = fileURLToPath(new URL('./server.ts', import.meta.url));
const START_LIMIT_MS = 60_000;

/** An API server in a process of its own. */
export interface ServerProcess {
  readonly client: HttpClient;
  /** SIGKILL; resolves once it is gone. */
  kill(): Promise<void>;
}

/** Starts a server on a directory that may have the state of an earlier one. */
export async function startServer(directory: string): Promise<ServerProcess> {
  const child = spawn(process.execPath, [PROGRAM, directory], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE_COMPILE_CACHE: join(directory, 'compiled') },
  });
  try {
    const server = await readLine(child);
    const pki = (name: string) => readFile(join(directory, 'pki', name), 'utf8');
    const [ca, cert, key] = await Promise.all([pki('ca.crt'), pki('admin.crt'), pki('admin.key')]);
    const client = createHttpClient({ server, ca, cert, key, clock: systemClock, userAgent: 'crash-test' });
    return {
      client,
      async kill() {
        await end(child);
        client.close();
      },
    };
  } catch (error) {
    await end(child);
    throw error;
  }
}

/** SIGKILL; resolves once it is gone. */
export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'close');
  child.kill('SIGKILL');
  await gone;
}

/** The first line that the process prints. @throws Error with what it said when it ends without one. */
export function readLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let out = '';
    let err = '';
    const timer = systemClock.after(START_LIMIT_MS, () =>
      reject(new Error(`the process did not start: ${err}`)),
    );
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      err += text;
    });
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      out += text;
      const end = out.indexOf('\n');
      if (end < 0) return;
      timer.cancel();
      resolve(out.slice(0, end));
    });
    child.once('close', () => {
      timer.cancel();
      reject(new Error(`the process ended: ${err}`));
    });
  });
}
