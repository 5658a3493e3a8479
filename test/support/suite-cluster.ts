import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { kubectl, type Up, up, waitGone } from './command.ts';
import { requireKubectl } from './kubectl.ts';
import { listOf } from './kubectl-session.ts';
import { scrub } from './scrub.ts';

/** What the tests of one suite share. */
export interface SuiteCluster {
  readonly directory: string;
  readonly kubeconfig: string;
  readonly stack: Up;
  /** kubectl; rejects when it fails. */
  k(...args: string[]): Promise<string>;
  apply(...items: object[]): Promise<string>;
  /** Resolves once no object of the resource is left, or not the one (`KIND/NAME`). */
  gone(what: string): Promise<void>;
}

/** A `stowage up` for the suite that this is called in: started before its tests, ended and scrubbed after them. */
export function suiteCluster(flags: readonly string[] = []): SuiteCluster {
  let directory: string | undefined;
  let stack: Up | undefined;
  before(async () => {
    await requireKubectl();
    directory = await mkdtemp(join(tmpdir(), 'stowage-e2e-'));
    stack = await up(directory, flags);
  });
  after(async () => {
    await stack?.end('SIGTERM');
    if (directory) await scrub(directory);
  });
  return {
    get directory() {
      return directory!;
    },
    get kubeconfig() {
      return stack!.kubeconfig;
    },
    get stack() {
      return stack!;
    },
    k: (...args) => kubectl(stack!.kubeconfig, args),
    apply: (...items) =>
      kubectl(stack!.kubeconfig, ['apply', '-f', '-'], { input: JSON.stringify(listOf(...items)) }),
    gone: (what) => waitGone(stack!.kubeconfig, what),
  };
}
