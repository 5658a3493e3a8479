import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { cannotMount } from '../support/command.ts';
import { leftOnMachine } from '../support/left.ts';
import { scriptPod } from '../support/manifests.ts';
import { suiteCluster } from '../support/suite-cluster.ts';

describe('links that a pod plants', { skip: cannotMount }, () => {
  const cluster = suiteCluster();

  it('lead the node nowhere: not for a message, not for a variable, not at the end', async () => {
    const { k, apply, directory } = cluster;
    const outside = join(directory, 'outside');
    await mkdir(join(outside, 'deep'), { recursive: true });
    await writeFile(join(outside, 'secret'), "SECRET='stolen'\n");
    await writeFile(join(outside, 'deep', 'file'), '');
    const plant = [
      `ln -s ${outside} /e/directory`,
      `ln -s ${outside}/secret /e/env`,
      'mkdir /e/sub',
      `ln -s ${outside}/deep /e/sub/deep`,
      // It is a mount point: it stays what it is.
      `rm -f /e/message; ln -s ${outside}/secret /e/message`,
      'true',
    ].join('; ');
    const pod = scriptPod('planter', 'exec sleep 3600', { e: { emptyDir: {} } });
    const [container] = pod.spec.containers;
    const init = {
      ...container,
      name: 'plant',
      command: ['sh', '-c', plant],
      terminationMessagePath: '/e/message',
      terminationMessagePolicy: 'File',
    };
    const env = [
      { name: 'SECRET', valueFrom: { fileKeyRef: { volumeName: 'e', path: 'env', key: 'SECRET' } } },
    ];
    await apply({
      ...pod,
      spec: { ...pod.spec, initContainers: [init], containers: [{ ...container, env }] },
    });
    const message = '{.status.containerStatuses[0].state.waiting.message}';
    await k('wait', `--for=jsonpath=${message}=couldn't parse env file`, 'pod/planter', '--timeout=60s');
    const status = await k('get', 'pod', 'planter', '-o', 'jsonpath={.status}');
    assert.match(status, /"exitCode":0/, 'the init container has planted them');
    assert.doesNotMatch(status, /stolen/);
    await k('delete', 'pod', 'planter', '--timeout=60s');
    assert.deepEqual(await leftOnMachine(directory), []);
    assert.deepEqual((await readdir(outside, { recursive: true })).sort(), ['deep', 'deep/file', 'secret']);
    assert.equal(await readFile(join(outside, 'secret'), 'utf8'), "SECRET='stolen'\n");
  });
});
