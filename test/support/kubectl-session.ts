import { chmod, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { kubectl, kubectlResult, up } from './command.ts';
import { scrub } from './scrub.ts';

/** kubectl on a cluster of its own. */
export interface KubectlSession {
  readonly kubeconfig: string;
  readonly directory: string;
  /** Runs it; rejects when it fails. */
  k(...args: string[]): Promise<string>;
  /** Runs it on an object or a text as its standard input. */
  given(input: object | string, ...args: string[]): Promise<string>;
  /** What it says when it fails; rejects when it does not. */
  refused(...args: string[]): Promise<string>;
  refusedGiven(input: object | string, ...args: string[]): Promise<string>;
  /** Writes a file into the session's directory. */
  file(name: string, content: object | string, mode?: number): Promise<string>;
  end(): Promise<void>;
}

/** Starts a cluster; without flags it has no node, so that it needs no root. */
export async function kubectlSession(flags: readonly string[] = ['--nodes', '0']): Promise<KubectlSession> {
  const directory = await mkdtemp(join(tmpdir(), 'stowage-kubectl-'));
  const stack = await up(directory, flags).catch(async (error) => {
    await scrub(directory);
    throw error;
  });
  const { kubeconfig } = stack;
  const refusedGiven = async (input: object | string, ...args: string[]) => {
    const { code, stdout, stderr } = await kubectlResult(kubeconfig, args, { input: textOf(input) });
    if (code === 0) throw new Error(`kubectl ${args.join(' ')} did not fail:\n${stdout}`);
    return stderr;
  };
  return {
    kubeconfig,
    directory,
    k: (...args) => kubectl(kubeconfig, args),
    given: (input, ...args) => kubectl(kubeconfig, args, { input: textOf(input) }),
    refused: (...args) => refusedGiven('', ...args),
    refusedGiven,
    async file(name, content, mode = 0o644) {
      const path = join(directory, name);
      await writeFile(path, textOf(content));
      await chmod(path, mode);
      return path;
    },
    async end() {
      await stack.end('SIGTERM');
      await scrub(directory);
    },
  };
}

const textOf = (content: object | string) =>
  typeof content === 'string' ? content : JSON.stringify(content);

/** Several objects as one manifest. */
export const listOf = (...items: object[]) => ({ apiVersion: 'v1', kind: 'List', items });
