import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { writeKubeconfig } from '../auth/index.ts';
import { startTestServer, type TestServer } from './test-server.ts';

const hasKubectl = spawnSync('kubectl', ['version', '--client']).status === 0;

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

describe('kubectl and what one may do', {
  skip: hasKubectl ? false : 'kubectl is not on PATH',
  timeout: 120_000,
}, () => {
  let api: TestServer;
  let home: string;
  before(async () => {
    api = await startTestServer();
    home = await mkdtemp(join(tmpdir(), 'stowage-kubectl-'));
    const alice = await api.pki.issue({ commonName: 'alice', organizations: ['dev'], usages: ['client'] });
    const server = { server: api.server.url, ca: api.pki.ca };
    await writeKubeconfig(join(home, 'admin'), { ...server, client: api.pki.admin });
    await writeKubeconfig(join(home, 'alice'), { ...server, client: alice, user: 'alice' });
    await run(
      'admin',
      'create',
      'role',
      'reader',
      '--verb=get,list,watch',
      '--resource=configmaps,pods,pods/log',
    );
    await run('admin', 'create', 'rolebinding', 'dev-reads', '--role=reader', '--group=dev');
    await run('admin', 'create', 'configmap', 'settings', '--from-literal=a=b');
  });
  after(async () => {
    await api?.close();
    if (home) await rm(home, { recursive: true });
  });

  const attempt = (who: 'admin' | 'alice', ...args: string[]): Promise<Outcome> =>
    new Promise((resolve) => {
      const env = { ...process.env, KUBECONFIG: join(home, who), HOME: home };
      execFile('kubectl', args, { cwd: home, env, timeout: 120_000 }, (error, out, err) =>
        resolve({ code: error ? Number(error.code ?? 1) : 0, out, err }),
      );
    });
  const run = async (who: 'admin' | 'alice', ...args: string[]): Promise<string> => {
    const { code, out, err } = await attempt(who, ...args);
    assert.equal(code, 0, `kubectl ${args.join(' ')}: ${out}${err}`);
    return out;
  };
  const refused = async (who: 'admin' | 'alice', message: string, ...args: string[]) => {
    const { code, err } = await attempt(who, ...args);
    assert.equal(code, 1);
    assert.equal(err.trim(), `Error from server (Forbidden): ${message}`);
  };

  it('lets a user with a certificate do what the role of his group says', async () => {
    assert.match(await run('alice', 'get', 'configmaps'), /settings/);
    await refused(
      'alice',
      'secrets is forbidden: User "alice" cannot list resource "secrets" in API group "" in the namespace "default"',
      'get',
      'secrets',
    );
    await refused(
      'alice',
      'configmaps is forbidden: User "alice" cannot list resource "configmaps" in API group "" in the namespace "kube-system"',
      ...['get', 'configmaps', '-n', 'kube-system'],
    );
    await refused(
      'alice',
      'configmaps "settings" is forbidden: User "alice" cannot delete resource "configmaps" in API group "" in the namespace "default"',
      ...['delete', 'configmap', 'settings'],
    );
    await refused(
      'alice',
      'storageclasses.storage.k8s.io is forbidden: User "alice" cannot list resource "storageclasses" in API group "storage.k8s.io" at the cluster scope',
      ...['get', 'storageclasses'],
    );
  });

  it('auth can-i says yes and no', async () => {
    assert.equal((await run('alice', 'auth', 'can-i', 'get', 'pods', '--subresource=log')).trim(), 'yes');
    assert.deepEqual(await attempt('alice', 'auth', 'can-i', 'delete', 'pods'), {
      code: 1,
      out: 'no\n',
      err: '',
    });
    assert.equal((await run('alice', 'auth', 'can-i', 'get', '/version')).trim(), 'yes');
    assert.equal((await run('admin', 'auth', 'can-i', '*', '*', '--all-namespaces')).trim(), 'yes');
    const list = await run('alice', 'auth', 'can-i', '--list');
    assert.match(list, /^configmaps +\[\] +\[\] +\[get list watch\]$/m);
    assert.match(list, /^ +\[\/healthz\] +\[\] +\[get\]$/m);
  });

  it('auth whoami tells who one is, also as another', async () => {
    assert.match(await run('alice', 'auth', 'whoami'), /Groups +\[dev system:authenticated\]/);
    const jane = await run('admin', 'auth', 'whoami', '--as=jane', '--as-group=ops', '--as-uid=7');
    assert.match(jane, /Username +jane\n/);
    assert.match(jane, /UID +7\n/);
    assert.match(jane, /Groups +\[ops system:authenticated\]/);
  });

  it('--as acts with the rights of another', async () => {
    assert.match(await run('admin', 'get', 'configmaps', '--as=jane', '--as-group=dev'), /settings/);
    await refused(
      'admin',
      'pods is forbidden: User "jane" cannot list resource "pods" in API group "" in the namespace "default"',
      ...['get', 'pods', '--as=jane'],
    );
    await refused(
      'admin',
      'pods is forbidden: User "system:serviceaccount:build:robot" cannot list resource "pods" in API group "" in the namespace "default"',
      ...['get', 'pods', '--as=system:serviceaccount:build:robot'],
    );
    const { code, err } = await attempt('alice', 'get', 'configmaps', '--as=jane');
    assert.equal(code, 1);
    assert.match(err, /User "alice" cannot impersonate-on:user-info:list resource "configmaps"/);
  });

  it('auth reconcile brings roles up to date, and describe and get show them', async () => {
    const role = {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata: { name: 'extra' },
    };
    const rules = [{ verbs: ['get'], apiGroups: [''], resources: ['nodes'] }];
    const file = join(home, 'role.json');
    await writeFile(file, JSON.stringify({ ...role, rules }));
    assert.match(
      await run('admin', 'auth', 'reconcile', '-f', file),
      /clusterrole.rbac.authorization.k8s.io\/extra reconciled/,
    );
    await writeFile(file, JSON.stringify({ ...role, rules: [{ ...rules[0], verbs: ['list'] }] }));
    await run('admin', 'auth', 'reconcile', '-f', file);
    assert.match(
      await run('admin', 'describe', 'clusterrole', 'extra'),
      /nodes +\[\] +\[\] +\[get list\]|nodes[^\n]*get[^\n]*\n[^\n]*nodes[^\n]*list/,
    );
    assert.match(
      await run('admin', 'get', 'rolebindings', '-o', 'wide'),
      /dev-reads +Role\/reader +\S+ +dev/,
    );
    assert.match(await run('admin', 'get', 'clusterroles'), /^NAME +CREATED AT\n/);
  });

  it('makes nothing by apply for who may only patch, or by bindings what one has not got', async () => {
    await run('admin', 'create', 'role', 'patcher', '--verb=get,patch', '--resource=configmaps');
    await run('admin', 'create', 'rolebinding', 'alice-patches', '--role=patcher', '--user=alice');
    await run('admin', 'create', 'clusterrole', 'binder', '--verb=create,get', '--resource=rolebindings');
    await run('admin', 'create', 'clusterrolebinding', 'alice-binds', '--clusterrole=binder', '--user=alice');
    const file = join(home, 'map.yaml');
    await writeFile(file, 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: fresh}\ndata: {a: b}\n');
    await refused(
      'alice',
      'configmaps "fresh" is forbidden: User "alice" cannot create resource "configmaps" in API group "" in the namespace "default"',
      ...['apply', '--server-side', '--validate=false', '-f', file],
    );
    await writeFile(file, 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {c: d}\n');
    await run('alice', 'apply', '--server-side', '--validate=false', '-f', file);
    const { err } = await attempt(
      'alice',
      'create',
      'rolebinding',
      'b',
      '--clusterrole=cluster-admin',
      '--user=alice',
    );
    assert.match(
      err,
      /user "alice" \(groups=\["dev" "system:authenticated"\]\) is attempting to grant RBAC permissions not currently held:\n\{APIGroups:\["\*"\], Resources:\["\*"\], Verbs:\["\*"\]\}/,
    );
  });
});
