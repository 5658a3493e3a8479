import assert from 'node:assert/strict';
import { mkdtemp, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import {
  EXAMPLE,
  kubectl,
  kubectlUntil,
  run,
  STOWAGE,
  type Up,
  up,
  waitGone,
  watchOf,
} from '../support/command.ts';
import { requireKubectl } from '../support/kubectl.ts';
import { kubectlOf } from '../support/kubectl-of.ts';
import { claimOf, storageClass } from '../support/manifests.ts';
import {
  asOrdinaryUser,
  cannotBeRootless,
  giveToOrdinaryUser,
  withoutNamespaces,
} from '../support/ordinary-user.ts';
import { processesNaming, scrub } from '../support/scrub.ts';

const BLOCK_CLAIM = claimOf('raw', '1Mi', { volumeMode: 'Block', storageClassName: 'now' });
const IMMEDIATE = storageClass('now', 'disk.csi.stowage.dev');

describe('stowage up as an ordinary user', { skip: cannotBeRootless }, () => {
  let directory: string;
  let stack: Up;
  const { k, says, isBack } = kubectlOf(() => stack.kubeconfig);
  const apply = (object: object) =>
    kubectl(stack.kubeconfig, ['apply', '-f', '-'], { input: JSON.stringify(object) });

  before(async () => {
    await requireKubectl();
    directory = await mkdtemp(join(tmpdir(), 'stowage-e2e-'));
    await giveToOrdinaryUser(directory);
    stack = await up(directory, [], asOrdinaryUser);
  });
  after(async () => {
    await stack?.end('SIGTERM');
    if (directory) await scrub(directory);
  });

  it('runs pods on volumes that are directories of the pool', async () => {
    await k('apply', '-f', EXAMPLE);
    await k('rollout', 'status', 'statefulset/web', '--timeout=60s');
    await says('web-0', / web-0 started$/);
    const volume = (await k('get', 'pvc', 'disk-pvc-web-0', '-o', 'jsonpath={.spec.volumeName}')).trim();
    assert.deepEqual(await readdir(join(directory, 'data', 'pool', `${volume}.img`)), ['log']);
  });

  it('a container is root of nothing but its own', async () => {
    assert.match(await k('exec', 'web-0', '--', 'cat', '/proc/self/uid_map'), /^\s+0\s+\d+\s+1$/m);
    // Neither the state nor other pods' volumes can be seen.
    await assert.rejects(
      k('exec', 'web-0', '--', 'ls', join(directory, 'data')),
      /No such file or directory/,
    );
    await assert.rejects(k('exec', 'web-0', '--', 'sh', '-c', 'echo >/sys/x'), /Read-only file system/);
  });

  it('a deleted pod comes back with what it wrote, also after a restart, which says again what it costs', async () => {
    const line = await says('web-0', / web-0 started$/);
    await k('delete', 'pod', 'web-0');
    await isBack('web-0');
    assert.equal(await stack.end('SIGTERM'), 0);
    assert.match(
      stack.output().stdout,
      /^Rootless: volumes are directories: nothing holds them to their size/,
    );
    stack = await up(directory, [], asOrdinaryUser);
    // Until the node is back the status is the one of before.
    await kubectlUntil(stack.kubeconfig, watchOf('pod', 'web-0'), /1\/1 +Running +1/);
    await says('web-0', new RegExp(`^${line}$`));
  });

  it('refuses a raw block volume with the reason', async () => {
    await apply(IMMEDIATE);
    await apply(BLOCK_CLAIM);
    await kubectlUntil(
      stack.kubeconfig,
      ['get', 'events', '--watch', '--field-selector', 'involvedObject.name=raw'],
      /ProvisioningFailed.*a raw block volume needs a loop device/,
    );
    await k('delete', 'pvc', 'raw');
  });

  it('after everything is deleted nothing is left', async () => {
    await k('delete', 'statefulset', 'web');
    await waitGone(stack.kubeconfig, 'pods');
    await k('delete', 'pvc', '--all');
    await waitGone(stack.kubeconfig, 'pv');
    assert.deepEqual(await readdir(join(directory, 'data', 'pool')), []);
    assert.deepEqual(await readdir(join(directory, 'data', 'kubelet', 'pods')), []);
    assert.equal(await stack.end('SIGINT'), 0);
    assert.deepEqual(await processesNaming(directory), []);
  });
});

describe('stowage up where no node can be', { skip: cannotBeRootless }, () => {
  it('says why, and what works all the same', async () => {
    const [command, ...args] = [...withoutNamespaces, process.execPath, STOWAGE, 'up', '--ephemeral'];
    const { code, stderr } = await run(command!, args);
    assert.equal(code, 1);
    assert.match(stderr, /without CAP_SYS_ADMIN.*user namespaces cannot be used here.*--simulated-nodes 3/);
    assert.equal(stderr.trimEnd().split('\n').length, 1, stderr);
  });
});
