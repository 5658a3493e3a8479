import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { sleep, systemClock, systemRandom } from '../../src/base/index.ts';
import { createLinuxHost } from '../../src/host/linux/index.ts';
import { cannotMount, EXAMPLE, kubectl, kubectlUntil, type Up, up, watchOf } from '../support/command.ts';
import { deleteEverything } from '../support/delete-everything.ts';
import { inDirectory } from '../support/in-directory.ts';
import { requireKubectl } from '../support/kubectl.ts';
import { kubectlOf } from '../support/kubectl-of.ts';
import { leftOnMachine } from '../support/left.ts';
import { processesNaming } from '../support/scrub.ts';

const host = createLinuxHost({ clock: systemClock });

async function mountsBelow(directory: string): Promise<string[]> {
  return (await host.mounts.list())
    .map(({ target }) => target)
    .filter((target) => target.startsWith(`${directory}/`));
}

/** Two claims, two volumes, two attachments, two images, two loop devices: nothing twice, nothing missing. */
async function assertTwoOfEach(stack: Up, directory: string): Promise<void> {
  const names = (resource: string) =>
    kubectl(stack.kubeconfig, ['get', resource, '-o', 'name']).then((text) => text.trim().split('\n').sort());
  assert.equal((await names('pvc')).length, 2);
  assert.equal((await names('pv')).length, 2, 'volumes');
  assert.equal((await names('volumeattachments')).length, 2, 'attachments');
  const left = await leftOnMachine(directory);
  assert.equal(
    left.filter((text) => text.startsWith('image file') && text.endsWith('.img')).length,
    2,
    left.join('\n'),
  );
  assert.equal(left.filter((text) => text.startsWith('loop device')).length, 2, left.join('\n'));
  const volumeMounts = (await mountsBelow(directory)).filter((target) =>
    /\/(globalmount|mount)$/.test(target),
  );
  assert.equal(volumeMounts.length, 4, `one global and one pod mount a volume: ${volumeMounts.join(' ')}`);
  assert.equal(new Set(volumeMounts).size, 4, `no path is mounted twice: ${volumeMounts.join(' ')}`);
}

describe('stowage up, again', { skip: cannotMount }, () => {
  before(requireKubectl);

  it('after Ctrl-C: nothing is mounted while it is down, and everything carries on', () =>
    inDirectory(async (directory) => {
      const first = await up(directory);
      const k = (stack: Up, ...args: string[]) => kubectl(stack.kubeconfig, args);
      await k(first, 'apply', '-f', EXAMPLE);
      await k(first, 'rollout', 'status', 'statefulset/web', '--timeout=60s');
      const line = await kubectlOf(() => first.kubeconfig).says('web-1', /web-1 started$/);
      assert.equal(await first.end('SIGINT'), 0);
      assert.deepEqual(await mountsBelow(directory), []);
      assert.deepEqual(
        (await host.loops.list()).filter((loop) => loop.backingFile.startsWith(directory)),
        [],
      );
      assert.deepEqual(await processesNaming(directory), []);

      const second = await up(directory);
      // Until the node has looked, the API says what was true before: wait for the restart that it counts.
      for (const pod of ['web-0', 'web-1']) {
        const watch = [...watchOf('pod', pod), '--no-headers'];
        await kubectlUntil(second.kubeconfig, watch, /1\/1\s+Running\s+1\b/, { limitMs: 60_000 });
      }
      // What the pod wrote is still there.
      await kubectlOf(() => second.kubeconfig).says('web-1', new RegExp(`^${line}$`));
      await assertTwoOfEach(second, directory);
      await deleteEverything(second, directory);
      assert.equal(await second.end('SIGTERM'), 0);
    }));

  // Ten moments between the apply and the pods' running, drawn anew each time; the drawn ones are in the test's name.
  const moments = Array.from({ length: 10 }, () => Math.round(systemRandom.next() * 1500)).sort(
    (a, b) => a - b,
  );
  it(`after kill -9 at ten moments of a start: it converges, with no volume twice and no mount leaked (ms: ${moments.join(' ')})`, () =>
    inDirectory(async (directory) => {
      for (const moment of moments) {
        const killed = await up(directory);
        const applied = kubectl(killed.kubeconfig, ['apply', '-f', EXAMPLE]).catch((error) => error);
        await sleep(systemClock, moment);
        await killed.end('SIGKILL');
        await applied;

        const stack = await up(directory);
        await kubectl(stack.kubeconfig, ['apply', '-f', EXAMPLE]);
        await kubectl(stack.kubeconfig, ['rollout', 'status', 'statefulset/web', '--timeout=60s']);
        await assertTwoOfEach(stack, directory);
        await deleteEverything(stack, directory);
        assert.equal(await stack.end('SIGTERM'), 0, stack.output().stderr);
        assert.deepEqual(await mountsBelow(directory), []);
      }
    }));
});
