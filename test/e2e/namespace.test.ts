import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { cannotMount, EXAMPLE, kubectl, kubectlResult, up, waitGone } from '../support/command.ts';
import { inDirectory } from '../support/in-directory.ts';
import { requireKubectl } from '../support/kubectl.ts';
import { kubectlOf } from '../support/kubectl-of.ts';
import { leftOnMachine } from '../support/left.ts';

const NAMESPACE = 'apiVersion: v1\nkind: Namespace\nmetadata: {name: team}\n';

describe('kubectl delete namespace', { skip: cannotMount }, () => {
  before(requireKubectl);

  it('takes a StatefulSet, its pods, claims and volumes with it and leaves nothing on the machine', () =>
    inDirectory(async (directory) => {
      const stack = await up(directory);
      const { k } = kubectlOf(() => stack.kubeconfig);
      await kubectl(stack.kubeconfig, ['create', '-f', '-'], { input: NAMESPACE });
      await k('apply', '-n', 'team', '-f', EXAMPLE);
      await k('rollout', 'status', '-n', 'team', 'statefulset/web', '--timeout=60s');
      assert.notDeepEqual(await leftOnMachine(directory), []);

      await k('delete', 'namespace', 'team', '--timeout=60s');
      const { stderr } = await kubectlResult(stack.kubeconfig, ['get', 'namespace', 'team']);
      assert.match(stderr, /namespaces "team" not found/);
      await waitGone(stack.kubeconfig, 'pv');
      await waitGone(stack.kubeconfig, 'volumeattachments');
      for (const resource of ['pods', 'pvc', 'statefulsets', 'controllerrevisions', 'events', 'configmaps'])
        assert.equal(await k('get', resource, '-n', 'team', '-o', 'name'), '', resource);
      assert.deepEqual(await leftOnMachine(directory), []);

      // The name is free again.
      await kubectl(stack.kubeconfig, ['create', '-f', '-'], { input: NAMESPACE });
      assert.equal(await k('get', 'namespace', 'team', '-o', 'jsonpath={.status.phase}'), 'Active');
      assert.equal(await stack.end('SIGTERM'), 0);
    }));
});
