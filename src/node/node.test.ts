import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { get } from 'node:https';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { Pki } from '../apiserver/auth/index.ts';
import { systemClock, turn } from '../base/index.ts';
import { skipReason, until } from '../host/linux/leftovers.test-support.ts';
import { isNotFound, leases, type Pod, pods } from '../kube/index.ts';
import { DEFAULT, NODE, STAY, shellPod, stage, state, staying } from './stage.test-support.ts';

/** An answer of the node's server. */
function ask(
  port: number,
  path: string,
  pki: Pki,
  withCertificate = true,
  begun: () => void = () => {},
): Promise<string> {
  const identity = withCertificate ? { cert: pki.kubeletClient.cert, key: pki.kubeletClient.key } : {};
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path, ca: pki.ca, agent: false, ...identity }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => {
        text += chunk.toString();
        begun();
      });
      response.on('end', () => resolve(`${response.statusCode} ${text.trim()}`));
    }).on('error', reject);
  });
}

describe('a node', { skip: skipReason, timeout: 300_000 }, () => {
  it('registers, keeps its lease, and serves only who shows a certificate that may', async (test) => {
    const { start, node, client, pki, events } = await stage(test);
    await start();
    const { metadata, status } = await node();
    assert.deepEqual(await events(), [
      'Starting: Starting kubelet.',
      ...['NodeHasSufficientMemory', 'NodeHasNoDiskPressure', 'NodeHasSufficientPID'].map(
        (reason) => `${reason}: Node ${NODE} status is now: ${reason}`,
      ),
    ]);
    assert.equal(metadata.labels?.['kubernetes.io/hostname'], NODE);
    assert.equal(metadata.labels?.zone, 'a');
    assert.equal(metadata.annotations?.['volumes.kubernetes.io/controller-managed-attach-detach'], 'true');
    assert.equal(status?.conditions?.find(({ type }) => type === 'Ready')?.status, 'True');
    const port = status!.daemonEndpoints!.kubeletEndpoint!.Port;
    for (const path of ['/healthz', '/pods'])
      assert.equal(await ask(port, path, pki, false), '401 Unauthorized');
    assert.equal(await ask(port, '/healthz', pki), '200 ok');
    const jane = await pki.issue({ commonName: 'jane', organizations: ['team'], usages: ['client'] });
    assert.equal(
      await ask(port, '/containerLogs/default/none/main', { ...pki, kubeletClient: jane }),
      '403 Forbidden (user=jane, verb=get, resource=nodes, subresource(s)=[proxy])',
    );
    assert.match(await ask(port, '/pods', pki), /^200 \{"kind":"PodList"/);
    assert.match(await ask(port, '/containerLogs/default/none/main', pki), /^404 pod "none" does not exist/);
    const lease = await client.get(leases, { namespace: 'kube-node-lease', name: NODE });
    assert.equal(lease.spec?.holderIdentity, NODE);
  });

  it('runs a pod with its volume, shows its log, and takes all of it away again', async (test) => {
    const { start, node, client, when, gone, pki, directory, events, context, hooks } = await stage(test);
    await start();
    const spec: Partial<NonNullable<Pod['spec']>> = {
      containers: [
        {
          name: 'main',
          image: 'example.com/app',
          command: ['sh', '-c', staying('echo kept >> /data/file; echo hello from $POD')],
          env: [{ name: 'POD', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }],
          volumeMounts: [{ name: 'data', mountPath: '/data' }],
        },
      ],
      volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'claim' } }],
    };
    await client.create(pods, shellPod('web-0', '', spec));
    const pod = await when('web-0', 'ready', ({ status }) =>
      status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True'),
    );
    assert.equal(pod.status?.phase, 'Running');
    const port = (await node()).status!.daemonEndpoints!.kubeletEndpoint!.Port;
    const said = Promise.withResolvers<void>();
    const log = ask(port, '/containerLogs/default/web-0/main?follow=true', pki, true, said.resolve);
    await said.promise;
    let removedFrom: string | undefined;
    hooks.removing = async ({ metadata }) => {
      // Until all else has gone, and a blink: an object that does not wait for this would go now.
      while (readdirSync(join(directory, 'state/log/pods')).length > 0) await turn();
      for (let blink = 0; blink < 20; blink++) await turn();
      removedFrom = (await client.get(pods, metadata)).metadata.name;
    };
    await client.delete(pods, { ...DEFAULT, name: 'web-0' });
    await gone('web-0');
    assert.equal(removedFrom, 'web-0', 'the directory went before the object');
    assert.equal(await log, '200 hello from web-0\nbye');
    assert.equal(readFileSync(join(directory, 'volume/file'), 'utf8'), 'kept\n');
    assert.deepEqual(readdirSync(join(directory, 'state/runtime/containers')), []);
    assert.deepEqual(readdirSync(join(directory, 'state/log/pods')), []);
    assert.deepEqual(
      context.trace.ended('default/claim').map(({ step, outcome }) => `${step} ${outcome}`),
      ['run ok', 'stop ok'],
    );
    assert.deepEqual(
      (await events()).filter((event) => !/^HostRoot|^Starting|^NodeHas/.test(event)),
      ['Created: Container created', 'Started: Container started', 'Killing: Stopping container main'],
    );
  });

  it('restarts what ends, and backs off from what keeps ending', async (test) => {
    const { start, client, when, events } = await stage(test);
    await start();
    await client.create(pods, shellPod('crash', 'exit 3'));
    const pod = await when(
      'crash',
      'in back-off',
      (pod) => state(pod).waiting?.reason === 'CrashLoopBackOff',
    );
    const [status] = pod.status!.containerStatuses!;
    assert.equal(status?.restartCount, 1);
    assert.equal(status?.lastState?.terminated?.exitCode, 3);
    assert.match(
      status?.state?.waiting?.message ?? '',
      /^back-off 10s restarting failed container=main pod=crash_default\(/,
    );
    assert.equal(pod.status?.phase, 'Running');
    assert.ok(
      (await events()).some((event) =>
        event.startsWith('BackOff: Back-off restarting failed container main'),
      ),
    );
  });

  it('runs init containers first, and ends a pod that is not restarted', async (test) => {
    const { start, client, when } = await stage(test);
    await start();
    const volumes = [{ name: 'data', emptyDir: {} }];
    const volumeMounts = [{ name: 'data', mountPath: '/data' }];
    const step = (name: string, script: string) => ({
      name,
      image: 'i',
      command: ['sh', '-c', script],
      volumeMounts,
    });
    const spec = {
      restartPolicy: 'Never',
      volumes,
      initContainers: [step('one', 'echo 1 >> /data/order'), step('two', 'echo 2 >> /data/order')],
      containers: [step('main', 'test "$(cat /data/order | tr -d "\\n")" = 12')],
    };
    await client.create(pods, shellPod('job', '', spec));
    const pod = await when('job', 'over', ({ status }) => /Succeeded|Failed/.test(status?.phase ?? ''));
    assert.equal(pod.status?.phase, 'Succeeded');
    assert.deepEqual(
      pod.status?.initContainerStatuses?.map(({ ready, state }) => [ready, state?.terminated?.reason]),
      [
        [true, 'Completed'],
        [true, 'Completed'],
      ],
    );
  });

  it('tells how a pod ended although nobody could be told at that time', async (test) => {
    const { start, client, when, hooks } = await stage(test);
    await start();
    let refusals = 2;
    hooks.patching = (body) => {
      const { phase } = (body as Pod).status ?? {};
      if (phase === 'Succeeded' && refusals-- > 0) throw new Error('dial tcp: i/o timeout');
    };
    await client.create(pods, shellPod('job', 'exit 0', { restartPolicy: 'Never' }));
    await when('job', 'over', ({ status }) => status?.phase === 'Succeeded');
    assert.ok(refusals < 0, 'it was refused first');
  });

  it('says what is missing, and starts once it is there', async (test) => {
    const { start, client, when } = await stage(test);
    await start();
    const { configMaps } = await import('../kube/index.ts');
    const containers = [
      {
        name: 'main',
        image: 'i',
        command: ['sh', '-c', STAY],
        envFrom: [{ configMapRef: { name: 'settings' } }],
      },
    ];
    await client.create(pods, shellPod('needy', '', { containers }));
    const waiting = await when(
      'needy',
      'waiting',
      (pod) => state(pod).waiting?.reason === 'CreateContainerConfigError',
    );
    assert.equal(state(waiting).waiting?.message, 'configmap "settings" not found');
    await client.create(configMaps, { metadata: { ...DEFAULT, name: 'settings' }, data: { A: 'a' } });
    await when('needy', 'running', (pod) => state(pod).running);
  });

  it('asks ever more seldom for volumes that cannot be had', async (test) => {
    const { start, client, hooks, when, gone } = await stage(test);
    await start();
    const askedAt: number[] = [];
    hooks.mounting = () => {
      askedAt.push(systemClock.monotonic());
      if (askedAt.length < 6) throw new Error('error processing PVC default/claim: PVC is being deleted');
    };
    await client.create(pods, shellPod('web', STAY));
    await when('web', 'running', (pod) => state(pod).running);
    assert.equal(askedAt.length, 6);
    assert.ok(askedAt[5]! - askedAt[0]! >= 600, `asked at ${askedAt}`);
    await client.delete(pods, { ...DEFAULT, name: 'web' }, { gracePeriodSeconds: 1 });
    await gone('web');
  });

  it('is ready when its probe says so, and restarted when it is not alive', async (test) => {
    const { start, client, when, events, directory } = await stage(test);
    await start();
    const probe = (...words: string[]) => ({ exec: { command: ['test', ...words] }, periodSeconds: 1 });
    const containers = [
      {
        name: 'main',
        image: 'i',
        command: ['sh', '-c', STAY],
        readinessProbe: probe('-e', '/data/ready'),
        livenessProbe: {
          ...probe('!', '-e', '/data/dead'),
          initialDelaySeconds: 1,
          failureThreshold: 1,
        },
        volumeMounts: [{ name: 'data', mountPath: '/data' }],
      },
    ];
    const volumes = [{ name: 'data', emptyDir: {} }];
    await client.create(pods, shellPod('probed', '', { containers, volumes }));
    await when(
      'probed',
      'running',
      (pod) => state(pod).running && !pod.status?.containerStatuses?.[0]?.ready,
    );
    await until('it is told not to be ready', async () =>
      (await events()).some((event) => event.startsWith('Unhealthy: Readiness probe failed:')),
    );
    writeFileSync(join(directory, 'volume/ready'), '');
    await when('probed', 'ready', ({ status }) => status?.containerStatuses?.[0]?.ready);
    writeFileSync(join(directory, 'volume/dead'), '');
    await when('probed', 'restarted', ({ status }) => status?.containerStatuses?.[0]?.restartCount === 1);
    const told = await events();
    assert.ok(told.includes('Killing: Container main failed liveness probe, will be restarted'));
  });

  it('stops with its pods, and runs them again at its next start', async (test) => {
    const { start, client, when, pod, directory } = await stage(test);
    const stop = await start();
    await client.create(pods, shellPod('stays', STAY));
    await when('stays', 'running', (found) => state(found).running);
    await stop();
    assert.deepEqual(readdirSync(join(directory, 'state/runtime/containers')), []);
    assert.equal((await pod('stays')).metadata.deletionTimestamp, undefined);
    await start();
    await when('stays', 'restarted', ({ status }) => status?.containerStatuses?.[0]?.restartCount === 1);
  });

  it('cleans up after a pod that was deleted by force, also while it was away', async (test) => {
    const { start, client, when, directory } = await stage(test);
    const stop = await start();
    const force = { gracePeriodSeconds: 0 };
    await client.create(pods, shellPod('forced', STAY));
    const pod = await when('forced', 'running', (found) => state(found).running);
    await client.delete(pods, { ...DEFAULT, name: 'forced' }, force);
    const containers = join(directory, 'state/runtime/containers');
    await assert.rejects(client.get(pods, { ...DEFAULT, name: 'forced' }), isNotFound);
    await client.create(pods, shellPod('next', STAY));
    await when('next', 'running', (found) => state(found).running);
    await stop();
    assert.deepEqual(existsSync(containers) ? readdirSync(containers) : [], []);
    assert.ok(
      !readdirSync(join(directory, 'state/log/pods')).some((name) => name.endsWith(pod.metadata.uid)),
    );
  });
});
