import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { cannotMount, kubectlUntil } from '../support/command.ts';
import { leftOnMachine } from '../support/left.ts';
import { suiteCluster } from '../support/suite-cluster.ts';

const pod = (name: string, spec: object) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name },
  spec: { terminationGracePeriodSeconds: 1, restartPolicy: 'Always', ...spec },
});

describe('parts of volumes', { skip: cannotMount }, () => {
  const cluster = suiteCluster();

  it('are all that a container sees, by a fixed path or one made of its variables, also after its restart', async () => {
    const { k, apply } = cluster;
    await apply(
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'config' }, data: { key: 'value' } },
      pod('web', {
        containers: [
          {
            name: 'c',
            image: 'host',
            command: [
              'sh',
              '-c',
              // Its second run stays, so that the log is that one's.
              `ls /all; cat /file; echo; date >> /named/runs; wc -l < /named/runs
              [ "$(wc -l < /named/runs)" -lt 2 ] || { trap 'exit 0' TERM; sleep 3600 & wait; }`,
            ],
            env: [{ name: 'NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }],
            volumeMounts: [
              { name: 'scratch', mountPath: '/named', subPathExpr: 'logs/$(NAME)' },
              { name: 'config', mountPath: '/file', subPath: 'key' },
              { name: 'scratch', mountPath: '/all' },
            ],
          },
        ],
        volumes: [
          { name: 'scratch', emptyDir: {} },
          { name: 'config', configMap: { name: 'config' } },
        ],
      }),
    );
    await k(
      'wait',
      '--for=jsonpath={.status.containerStatuses[0].restartCount}=1',
      'pod/web',
      '--timeout=60s',
    );
    const lines = await kubectlUntil(cluster.kubeconfig, ['logs', '-f', 'web'], /^2$/);
    assert.equal(lines, '2');
    assert.match(await k('logs', 'web'), /^logs\nvalue\n2\n/);
    const uid = await k('get', 'pod', 'web', '-o', 'jsonpath={.metadata.uid}');
    const directory = join(cluster.directory, 'data/kubelet/pods', uid, 'volume-subpaths');
    assert.match(await readFile(join(directory, 'scratch/c/0/runs'), 'utf8'), /\n/);
    assert.equal(await readFile(join(directory, 'config/c/1'), 'utf8'), 'value');
    await k('delete', 'pod', 'web');
    assert.deepEqual(await leftOnMachine(cluster.directory), []);
  });

  it('that lead out of the volume are not given to a container', async () => {
    const { k, apply } = cluster;
    await apply(
      pod('escape', {
        initContainers: [
          {
            name: 'prepare',
            image: 'host',
            command: ['ln', '-s', '/etc', '/v/link'],
            volumeMounts: [{ name: 'v', mountPath: '/v' }],
          },
        ],
        containers: [
          {
            name: 'c',
            image: 'host',
            command: ['ls', '/stolen'],
            volumeMounts: [{ name: 'v', mountPath: '/stolen', subPath: 'link' }],
          },
        ],
        volumes: [{ name: 'v', emptyDir: {} }],
      }),
    );
    await k(
      'wait',
      '--for=jsonpath={.status.containerStatuses[0].state.waiting.reason}=CreateContainerConfigError',
      'pod/escape',
      '--timeout=30s',
    );
    assert.equal(
      await k('get', 'pod', 'escape', '-o', 'jsonpath={.status.containerStatuses[0].state.waiting.message}'),
      'failed to prepare subPath for volumeMount "v" of container "c"',
    );
    await k('delete', 'pod', 'escape');
    assert.deepEqual(await leftOnMachine(cluster.directory), []);
  });
});
