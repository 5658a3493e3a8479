import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../../src/base/index.ts';
import { type CsiClient, connectCsi } from '../../../src/csi/index.ts';
import { end, readLine } from '../server-process.ts';
import type { DriverKind } from './open-storage.ts';

const PROGRAM = fileURLToPath(new URL('./program.ts', import.meta.url));
const CALL_LIMIT_MS = 60_000;

/** A driver in a process of its own. */
export interface DriverProcess {
  readonly client: CsiClient;
  /** SIGKILL; resolves once it is gone. */
  kill(): Promise<void>;
  /** SIGTERM, and resolves to its exit code. */
  stop(): Promise<number | null>;
}

/** Starts a driver on a directory that may have the state of an earlier one. */
export async function startDriver(kind: DriverKind, directory: string): Promise<DriverProcess> {
  const child = launch(kind, directory);
  try {
    const client = connectCsi(await readLine(child), { clock: systemClock, timeoutMs: CALL_LIMIT_MS });
    return {
      client,
      async kill() {
        await end(child);
        client.close();
      },
      async stop() {
        const exit = once(child, 'exit') as Promise<[number | null]>;
        child.kill('SIGTERM');
        const [code] = await exit;
        client.close();
        return code;
      },
    };
  } catch (error) {
    await end(child);
    throw error;
  }
}

/** Starts a driver and kills it so soon that it may not serve yet: while it sets right what the last one has left. */
export async function startInVain(kind: DriverKind, directory: string, aliveMs: number): Promise<void> {
  const child = launch(kind, directory);
  const { promise, resolve } = Promise.withResolvers<void>();
  systemClock.after(aliveMs, resolve);
  await promise;
  await end(child);
}

function launch(kind: DriverKind, directory: string): ChildProcess {
  return spawn(process.execPath, [PROGRAM, kind, directory], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE_COMPILE_CACHE: join(directory, 'compiled') },
  });
}
