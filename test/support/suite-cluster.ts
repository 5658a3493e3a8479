import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { type Up, up } from './command.ts';
import { requireKubectl } from './kubectl.ts';
import { type KubectlOf, kubectlOf } from './kubectl-of.ts';
import { scrub } from './scrub.ts';

/** What the tests of one suite share. */
export interface SuiteCluster extends KubectlOf {
  readonly directory: string;
  readonly kubeconfig: string;
  readonly stack: Up;
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
    ...kubectlOf(() => stack!.kubeconfig),
    get directory() {
      return directory!;
    },
    get kubeconfig() {
      return stack!.kubeconfig;
    },
    get stack() {
      return stack!;
    },
  };
}
