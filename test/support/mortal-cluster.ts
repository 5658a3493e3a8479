import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** A call to the machine at which a process dies. */
export interface Moment {
  readonly when: 'before' | 'after';
  /** A part of the Host and its method: `mounts.mount`. */
  readonly call: string;
  /** A regular expression for the call's arguments, written one after another. */
  readonly at: string;
}

export interface MortalCluster {
  /** Has it die at the next call that matches. Resolves once it knows. */
  dieAt(moment: Moment): Promise<void>;
  /** Resolves to the signal that has ended it. Rejects after `limitMs`. */
  died(limitMs: number): Promise<string | null>;
  end(): Promise<void>;
}

const PROGRAM = fileURLToPath(new URL('mortal-cluster-process.ts', import.meta.url));

/** A cluster that keeps its state in the directory; resolves once it is ready. */
export async function mortalCluster(directory: string): Promise<MortalCluster> {
  const child = spawn(process.execPath, [PROGRAM, directory], { stdio: ['pipe', 'pipe', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    said += text;
  });
  const exit = once(child, 'exit') as Promise<[number | null, string | null]>;
  const lines = createInterface({ input: child.stdout });
  const words = lines[Symbol.asyncIterator]();
  const expect = async (word: string) => {
    const { value } = await words.next();
    if (value !== word) throw new Error(`the cluster said ${String(value)}, not ${word}\n${said}`);
  };
  await expect('ready');
  return {
    async dieAt(moment) {
      child.stdin.write(`${JSON.stringify(moment)}\n`);
      await expect('armed');
    },
    async died(limitMs) {
      const late = setTimeout(() => child.kill('SIGABRT'), limitMs);
      const [, signal] = await exit;
      clearTimeout(late);
      return signal;
    },
    async end() {
      child.kill('SIGTERM');
      await exit;
    },
  };
}
