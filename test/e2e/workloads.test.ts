import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Pod } from '../../src/kube/index.ts';
import { cannotMount } from '../support/command.ts';
import { leftOnMachine } from '../support/left.ts';
import { claimOf, storageClass } from '../support/manifests.ts';
import { suiteCluster } from '../support/suite-cluster.ts';

const container = (script: string, more: object = {}) => ({
  name: 'c',
  image: 'busybox',
  command: ['sh', '-c', script],
  ...more,
});

const DEPLOYMENT = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web' },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: 'web' } },
    template: {
      metadata: { labels: { app: 'web' } },
      spec: {
        terminationGracePeriodSeconds: 1,
        containers: [
          container('echo "version $VERSION"; exec sleep 3600', { env: [{ name: 'VERSION', value: '1' }] }),
        ],
      },
    },
  },
};

const CLAIM = claimOf('results', '64Mi', { storageClassName: 'fast' });

const CLASS = storageClass('fast', 'disk.csi.stowage.dev', { volumeBindingMode: 'WaitForFirstConsumer' });

const JOB = {
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name: 'write' },
  spec: {
    completions: 2,
    completionMode: 'Indexed',
    template: {
      spec: {
        restartPolicy: 'Never',
        containers: [
          container('echo "part $JOB_COMPLETION_INDEX" >> /results/log; cat /results/log', {
            volumeMounts: [{ name: 'results', mountPath: '/results' }],
          }),
        ],
        volumes: [{ name: 'results', persistentVolumeClaim: { claimName: 'results' } }],
      },
    },
  },
};

describe('workloads, by kubectl', { skip: cannotMount }, () => {
  const cluster = suiteCluster();
  const { k, apply, gone } = cluster;
  /** The version of each pod that is to stay. */
  const versions = async () => {
    const { items } = JSON.parse(await k('get', 'pods', '-l', 'app=web', '-o', 'json'));
    return items
      .filter((pod: Pod) => !pod.metadata?.deletionTimestamp)
      .map((pod: Pod) => pod.spec?.containers[0]?.env?.[0]?.value)
      .join(' ');
  };

  it('rolls a Deployment out, restarts it, changes it and takes the change back', async () => {
    await apply(DEPLOYMENT);
    assert.match(await k('rollout', 'status', 'deployment/web', '--timeout=60s'), /successfully rolled out/);
    assert.match(await k('get', 'deployments'), /web\s+2\/2\s+2\s+2/);

    await k('rollout', 'restart', 'deployment/web');
    await k('rollout', 'status', 'deployment/web', '--timeout=60s');
    await k('set', 'env', 'deployment/web', 'VERSION=2');
    await k('rollout', 'status', 'deployment/web', '--timeout=60s');
    assert.equal(await versions(), '2 2');
    assert.match(
      await k('rollout', 'history', 'deployment/web'),
      /REVISION[\s\S]*\n1 [\s\S]*\n2 [\s\S]*\n3 /,
    );

    assert.match(await k('rollout', 'undo', 'deployment/web', '--to-revision=1'), /rolled back/);
    await k('rollout', 'status', 'deployment/web', '--timeout=60s');
    assert.equal(await versions(), '1 1');
    assert.doesNotMatch(await k('rollout', 'history', 'deployment/web'), /\n1 /);
  });

  it('pauses, resumes and scales it', async () => {
    await k('rollout', 'pause', 'deployment/web');
    await k('set', 'env', 'deployment/web', 'VERSION=3');
    await k('scale', 'deployment/web', '--replicas=3');
    await k('wait', '--for=jsonpath={.status.readyReplicas}=3', 'deployment/web', '--timeout=60s');
    assert.equal(await versions(), '1 1 1');
    await k('rollout', 'resume', 'deployment/web');
    await k('rollout', 'status', 'deployment/web', '--timeout=60s');
    assert.equal(await versions(), '3 3 3');
  });

  it('runs a Job whose pods write to a claim one after the other', async () => {
    await apply(CLASS, CLAIM, JOB);
    await k('wait', '--for=condition=Complete', 'job/write', '--timeout=60s');
    assert.match(await k('get', 'jobs'), /write\s+Complete\s+2\/2/);
    const last = await k('logs', '-l', 'batch.kubernetes.io/job-completion-index=1');
    assert.equal(last, 'part 0\npart 1\n');
    const pods = await k(
      'get',
      'pods',
      '-l',
      'job-name=write',
      '-o',
      'jsonpath={.items[*].metadata.finalizers}',
    );
    assert.equal(pods, '');
  });

  it('runs a daemon on the node, also anew', async () => {
    await apply({
      ...DEPLOYMENT,
      kind: 'DaemonSet',
      metadata: { name: 'agent' },
      spec: { selector: DEPLOYMENT.spec.selector, template: DEPLOYMENT.spec.template },
    });
    const succeeded = /successfully rolled out/;
    assert.match(await k('rollout', 'status', 'daemonset/agent', '--timeout=60s'), succeeded);
    await k('rollout', 'restart', 'daemonset/agent');
    assert.match(await k('rollout', 'status', 'daemonset/agent', '--timeout=60s'), succeeded);
    assert.match(await k('rollout', 'history', 'daemonset/agent'), /\n1 [\s\S]*\n2 /);
    await k('delete', 'daemonset/agent', '--timeout=60s');
  });

  it('counts how many pods a budget lets go', async () => {
    await k('create', 'pdb', 'web', '--selector=app=web', '--max-unavailable=1');
    await k('wait', '--for=jsonpath={.status.disruptionsAllowed}=1', 'pdb/web', '--timeout=60s');
    assert.match(await k('get', 'pdb'), /web\s+N\/A\s+1\s+1/);
    await k('delete', 'pdb/web');
  });

  it('leaves nothing when all is deleted', async () => {
    await k('delete', 'deployment/web', 'job/write', '--timeout=60s');
    await gone('pods');
    await gone('replicasets');
    await k('delete', 'pvc/results', '--timeout=60s');
    await gone('pv');
    assert.deepEqual(await leftOnMachine(cluster.directory), []);
    assert.doesNotMatch(cluster.stack.output().stderr, /forbidden/);
  });
});
