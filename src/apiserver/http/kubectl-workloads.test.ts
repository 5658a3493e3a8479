import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { nodes, podDisruptionBudgets, pods } from '../../kube/index.ts';
import { writeKubeconfig } from '../auth/index.ts';
import { startTestServer, type TestServer } from './test-server.ts';

const hasKubectl = spawnSync('kubectl', ['version', '--client']).status === 0;
const MANIFEST = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: main, image: busybox}]}
---
apiVersion: v1
kind: LimitRange
metadata: {name: small}
spec: {limits: [{type: PersistentVolumeClaim, max: {storage: 2Gi}}]}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: one}
spec: {minAvailable: 1, selector: {matchLabels: {app: db}}}
`;

describe('kubectl on workloads', {
  skip: hasKubectl ? false : 'kubectl is not on PATH',
  timeout: 120_000,
}, () => {
  let api: TestServer;
  let home: string;
  before(async () => {
    api = await startTestServer();
    home = await mkdtemp(join(tmpdir(), 'stowage-kubectl-'));
    const { ca, admin: client } = api.pki;
    await writeKubeconfig(join(home, 'config'), { server: api.server.url, ca, client });
    await writeFile(join(home, 'manifest.yaml'), MANIFEST);
    assert.equal((await kubectl('apply', '-f', 'manifest.yaml')).code, 0);
  });
  after(async () => {
    await api?.close();
    if (home) await rm(home, { recursive: true });
  });

  const kubectl = (...args: readonly string[]) =>
    new Promise<{ code: number; out: string; err: string }>((resolve) => {
      const env = { ...process.env, KUBECONFIG: join(home, 'config'), HOME: home };
      execFile('kubectl', args, { cwd: home, env }, (error, out, err) =>
        resolve({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, out, err }),
      );
    });

  it('scales, with and without a condition', async () => {
    assert.match((await kubectl('scale', 'deployment/web', '--replicas=3')).out, /web scaled/);
    const refused = await kubectl('scale', 'deployment/web', '--replicas=1', '--current-replicas=9');
    assert.match(refused.err, /Expected replicas to be 9, was 3/);
    const { out } = await kubectl('get', 'deploy,limits', '--no-headers');
    assert.match(out, /deployment.apps\/web +0\/3 +0 +0 /);
    assert.match(out, /limitrange\/small +20\d\d-/);
  });

  it('makes what it has generators for', async () => {
    const commands: readonly (readonly string[])[] = [
      ['create', 'configmap', 'made', '--from-literal=a=b'],
      ['create', 'secret', 'generic', 'made', '--from-literal=a=b'],
      ['create', 'quota', 'made', '--hard=pods=3,requests.storage=5Gi'],
      ['create', 'job', 'made', '--image=i', '--', 'true'],
      ['create', 'cronjob', 'made', '--image=i', '--schedule=*/5 * * * *', '--', 'true'],
      ['create', 'poddisruptionbudget', 'made', '--selector=a=b', '--max-unavailable=1'],
      ['create', 'priorityclass', 'made', '--value=5'],
      ['create', 'service', 'clusterip', 'made', '--tcp=80', '--clusterip=None'],
      ['create', 'deployment', 'made', '--image=i'],
    ];
    for (const command of commands) {
      const { code, out, err } = await kubectl(...command);
      assert.equal(code, 0, `${command.join(' ')}: ${err}`);
      assert.match(out, /made created/);
    }
    const jobs = await kubectl(
      'get',
      'job',
      'made',
      '-o',
      'jsonpath={.spec.template.metadata.labels.job-name}',
    );
    assert.equal(jobs.out, 'made');
  });

  it('says what a limit range says', async () => {
    await writeFile(
      join(home, 'claim.yaml'),
      'apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: big}\nspec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 3Gi}}}\n',
    );
    await kubectl('delete', 'quota', '--all');
    const { err } = await kubectl('create', '-f', 'claim.yaml');
    assert.match(err, /maximum storage usage per PersistentVolumeClaim is 2Gi, but request is 3Gi/);
  });

  it('cordons, taints and drains, and heeds disruption budgets', async () => {
    const { client } = api;
    await client.create(nodes, { metadata: { name: 'n' } });
    const name = { namespace: 'default', name: 'db' };
    await client.create(pods, {
      metadata: { ...name, labels: { app: 'db' } },
      spec: { nodeName: 'n', terminationGracePeriodSeconds: 0, containers: [{ name: 'c', image: 'i' }] },
    });
    const ready = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] };
    const status = (body: object) => ({ type: 'merge', body: { status: body } }) as const;
    await client.patch(pods, name, status(ready), { subresource: 'status' });
    const budget = { namespace: 'default', name: 'one' };
    const allow = (disruptionsAllowed: number) =>
      client.patch(
        podDisruptionBudgets,
        budget,
        status({
          disruptionsAllowed,
          currentHealthy: 1,
          desiredHealthy: 1,
          expectedPods: 1,
          observedGeneration: 1,
        }),
        { subresource: 'status' },
      );
    await allow(0);
    assert.match((await kubectl('cordon', 'n')).out, /node\/n cordoned/);
    assert.match((await kubectl('taint', 'node', 'n', 'k=v:NoSchedule')).out, /node\/n tainted/);
    const refused = await kubectl('drain', 'n', '--force', '--timeout=1s');
    assert.notEqual(refused.code, 0);
    assert.match(refused.err, /Cannot evict pod as it would violate the pod's disruption budget/);
    await allow(1);
    const drained = await kubectl('drain', 'n', '--force', '--timeout=30s');
    assert.match(drained.out, /pod\/db evicted/, drained.err);
    assert.match((await kubectl('uncordon', 'n')).out, /node\/n uncordoned/);
    const { status: after } = await client.get(podDisruptionBudgets, budget);
    assert.equal(after?.disruptionsAllowed, 0);
  });
});
