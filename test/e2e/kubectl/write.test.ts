import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { kubectlResult, run } from '../../support/command.ts';
import { kubectlTooOld } from '../../support/kubectl.ts';
import { type KubectlSession, kubectlSession, listOf } from '../../support/kubectl-session.ts';
import { CLAIM, DEPLOYMENT } from './objects.ts';

const configMap = (name: string, data: Record<string, string>, labels?: Record<string, string>) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, labels },
  data,
});

describe('kubectl writes', { skip: await kubectlTooOld(), timeout: 600_000 }, () => {
  let session: KubectlSession;
  const k = (...args: string[]) => session.k(...args);
  const field = (what: string, path: string) => k('get', ...what.split(' '), '-o', `jsonpath={${path}}`);
  before(async () => {
    session = await kubectlSession();
    await session.given(listOf(CLAIM, DEPLOYMENT), 'apply', '-f', '-');
  });
  after(() => session?.end());

  /** Generator, a field of what it makes, its value. */
  const generators: readonly (readonly [string, string, string, string])[] = [
    ['configmap made --from-literal=a=b', 'configmap', '.data.a', 'b'],
    ['secret generic made --from-literal=a=b', 'secret', '.data.a', 'Yg=='],
    [
      'secret docker-registry reg --docker-username=u --docker-password=p --docker-server=h',
      'secret',
      '.type',
      'kubernetes.io/dockerconfigjson',
    ],
    ['serviceaccount made', 'sa', '.metadata.name', 'made'],
    [
      'role made --verb=get,list --resource=pvc,pods/log',
      'role',
      '.rules[0].resources',
      '["persistentvolumeclaims","pods/log"]',
    ],
    [
      'clusterrole made --verb=get --resource=pv',
      'clusterrole',
      '.rules[0].resources[0]',
      'persistentvolumes',
    ],
    [
      'rolebinding made --role=made --serviceaccount=default:made',
      'rolebinding',
      '.subjects[0].name',
      'made',
    ],
    [
      'clusterrolebinding made --clusterrole=made --user=u',
      'clusterrolebinding',
      '.subjects[0].kind',
      'User',
    ],
    [
      'quota made --hard=requests.storage=10Gi,fast.storageclass.storage.k8s.io/requests.storage=4Gi',
      'quota',
      '.spec.hard.requests\\.storage',
      '10Gi',
    ],
    ['job made --image=i -- true', 'job', '.spec.template.spec.restartPolicy', 'Never'],
    ['cronjob made --image=i --schedule=@hourly -- true', 'cronjob', '.spec.concurrencyPolicy', 'Allow'],
    [
      'job copied --from=cronjob/made',
      'job',
      '.metadata.annotations.cronjob\\.kubernetes\\.io/instantiate',
      'manual',
    ],
    ['deployment made --image=i --replicas=0', 'deploy', '.spec.replicas', '0'],
    ['namespace made', 'ns', '.status.phase', 'Active'],
    ['pdb made --selector=app=x --min-available=1', 'pdb', '.spec.minAvailable', '1'],
    ['priorityclass made --value=5', 'pc', '.preemptionPolicy', 'PreemptLowerPriority'],
    ['service clusterip made --tcp=80 --clusterip=None', 'svc', '.spec.clusterIP', 'None'],
  ];
  for (const [command, kind, path, value] of generators) {
    it(`create ${command}`, async () => {
      const args = command.split(' ');
      assert.match(await k('create', ...args), / created\n$/);
      const name = args.slice(1).find((arg) => ['made', 'copied', 'reg'].includes(arg))!;
      assert.equal(await field(`${kind} ${name}`, path), value);
    });
  }

  it('create token, for an audience and a time', async () => {
    const token = await k('create', 'token', 'made', '--audience=x', '--duration=10m');
    const claims = JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString());
    assert.deepEqual(claims.aud, ['x']);
    assert.equal(claims.exp - claims.iat, 600);
    assert.match(
      await session.refused('create', 'token', 'made', '--duration=1s'),
      /may not specify a duration less than 10 minutes/,
    );
  });

  it('expose and run', async () => {
    await k('expose', 'deploy', 'dep', '--port=80', '--target-port=8080', '--cluster-ip=None');
    assert.equal(await field('svc dep', '.spec.selector.app'), 'dep');
    await k('run', 'ran', '--image=busybox', '--restart=Never', '--labels=a=b', '--', 'sleep', '1');
    assert.equal(await field('pod ran', '.spec.containers[0].args'), '["sleep","1"]');
    await k('delete', 'pod', 'ran', '--force');
  });

  it('dry runs change nothing', async () => {
    for (const how of ['client', 'server'])
      assert.match(
        await k('create', 'configmap', 'dry', '--from-literal=a=b', `--dry-run=${how}`),
        /dry run/,
      );
    assert.match(await session.refused('get', 'configmap', 'dry'), /NotFound/);
  });

  it('apply, again, changed; diff tells before', async () => {
    const file = await session.file('map.json', configMap('applied', { a: '1' }));
    assert.match(await k('apply', '-f', file), /created/);
    assert.match(await k('apply', '-f', file), /unchanged/);
    assert.equal(await k('diff', '-f', file), '');
    await session.file('map.json', configMap('applied', { a: '2' }));
    const { code, stdout } = await kubectlResult(session.kubeconfig, ['diff', '-f', file]);
    assert.equal(code, 1);
    assert.match(stdout, /^-\s+a: "1"$[\s\S]*^\+\s+a: "2"$/m);
    assert.match(await k('apply', '-f', file), /configured/);
    assert.match(await k('apply', 'view-last-applied', 'configmap', 'applied'), /a: "2"/);
    await session.file('map.json', configMap('applied', {}));
    await k('apply', '-f', file);
    assert.equal(await field('configmap applied', '.data'), '');
  });

  it('apply --prune, by its own list of kinds and by one given', async () => {
    const pair = listOf(configMap('p1', {}, { prune: 'x' }), configMap('p2', {}, { prune: 'x' }));
    const first = configMap('p1', {}, { prune: 'x' });
    for (const more of [[], ['--prune-allowlist=core/v1/ConfigMap']]) {
      await session.given(pair, 'apply', '-f', '-');
      assert.match(
        await session.given(first, 'apply', '-f', '-', '--prune', '-l', 'prune=x', ...more),
        /p2 pruned/,
      );
    }
  });

  it('apply --server-side, with a conflict and by force', async () => {
    const apply = (data: Record<string, string>, ...more: string[]) =>
      session.given(configMap('ssa', data), 'apply', '--server-side', '-f', '-', ...more);
    await apply({ a: '1' });
    await assert.rejects(apply({ a: '2' }, '--field-manager=two'), /conflict with "kubectl": \.data\.a/);
    await apply({ a: '2' }, '--field-manager=two', '--force-conflicts');
    assert.equal(await field('configmap ssa', '.data.a'), '2');
    await assert.rejects(
      session.given({ ...configMap('ssa', {}), nope: 1 }, 'apply', '--server-side', '-f', '-'),
      /failed to create typed patch object \(default\/ssa; \/v1, Kind=ConfigMap\): \.nope: field not declared in schema/,
    );
  });

  it('edit, without a change, and refused with what is wrong in the file', async () => {
    const edit = async (script: string, ...args: string[]) => {
      const EDITOR = await session.file('editor.sh', `#!/bin/sh\n${script}\n`, 0o755);
      return run('kubectl', ['edit', ...args], {
        env: { KUBECONFIG: session.kubeconfig, HOME: session.directory, KUBE_EDITOR: EDITOR },
        limitMs: 60_000,
      });
    };
    const changed = await edit(`sed -i 's/app: db/app: edited/' "$1"`, 'pvc', 'data');
    assert.match(changed.stdout, /persistentvolumeclaim\/data edited/);
    assert.equal(await field('pvc data', '.metadata.labels.app'), 'edited');
    const same = await edit('true', 'pvc', 'data');
    assert.match(same.stderr, /Edit cancelled, no changes made/);
    // The second time the editor gets the file with the refusal on top, and leaves it as it is.
    const refused = await edit(`sed -i 's/volumeMode: Filesystem/volumeMode: Block/' "$1"`, 'pvc', 'data');
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /persistentvolumeclaims "data" is invalid/);
  });

  it('replace, and --force', async () => {
    const file = await session.file('replace.json', configMap('applied', { a: '3' }));
    const uid = await field('configmap applied', '.metadata.uid');
    assert.match(await k('replace', '-f', file), /replaced/);
    assert.equal(await field('configmap applied', '.metadata.uid'), uid);
    await k('replace', '--force', '-f', file);
    assert.notEqual(await field('configmap applied', '.metadata.uid'), uid);
  });

  it('patch, all types and subresources', async () => {
    const patch = (...args: string[]) => k('patch', ...args);
    const labels = () => field('pvc data', '.metadata.labels');
    assert.match(await patch('pvc', 'data', '-p', '{"metadata":{"labels":{"p":"1"}}}'), /patched\n/);
    assert.match(
      await patch('pvc', 'data', '-p', '{"metadata":{"labels":{"p":"1"}}}'),
      /patched \(no change\)/,
    );
    await patch('pvc', 'data', '--type=merge', '-p', '{"metadata":{"labels":{"p":null}}}');
    await patch('pvc', 'data', '--type=json', '-p', '[{"op":"add","path":"/metadata/labels/q","value":"r"}]');
    assert.equal(await labels(), '{"app":"edited","q":"r"}');
    await patch('pvc', 'data', '--subresource=status', '--type=merge', '-p', '{"status":{"phase":"Lost"}}');
    await patch('deploy', 'dep', '--subresource=scale', '--type=merge', '-p', '{"spec":{"replicas":0}}');
    const second = '{"spec":{"template":{"spec":{"containers":[{"name":"c2","image":"i"}]}}}}';
    // As upstream: what only the patch names comes first.
    assert.equal(
      await patch('deploy', 'dep', '-p', second, '-o', 'jsonpath={.spec.template.spec.containers[*].name}'),
      'c2 c',
    );
    const without = second.replace('"image":"i"', '"$patch":"delete"');
    await patch('deploy', 'dep', '-p', without);
    assert.equal(await field('deploy dep', '.spec.template.spec.containers[*].name'), 'c');
  });

  it('label and annotate', async () => {
    assert.match(await k('label', 'pvc', 'data', 'a=b'), /labeled/);
    assert.match(
      await session.refused('label', 'pvc', 'data', 'a=c'),
      /'a' already has a value \(b\), and --overwrite is false/,
    );
    assert.match(await k('label', 'pvc', 'data', 'a=c', '--overwrite'), /labeled/);
    assert.match(await k('label', 'pvc', 'data', 'a-'), /unlabeled/);
    assert.match(await k('annotate', 'pvc', 'data', 'n=1'), /annotated/);
    assert.match(await k('annotate', 'pvc', 'data', '--list'), /^n=1$/m);
    assert.match(
      await session.refused('label', 'pvc', 'data', 'x=z', '--resource-version=1'),
      /the object has been modified; please apply your changes to the latest version and try again/,
    );
  });

  it('set image, env, resources, serviceaccount, selector, subject', async () => {
    await k('set', 'image', 'deploy/dep', 'c=busybox:2');
    await k('set', 'env', 'deploy/dep', 'A=B');
    await k('set', 'resources', 'deploy/dep', '--limits=cpu=1,memory=1Mi');
    await k('set', 'serviceaccount', 'deploy/dep', 'made');
    await k('set', 'selector', 'svc/made', 'app=z');
    await k('set', 'subject', 'rolebinding/made', '--user=v');
    const spec = JSON.parse(await field('deploy dep', '.spec.template.spec'));
    assert.equal(spec.serviceAccountName, 'made');
    const [{ image, env, resources }] = spec.containers;
    assert.deepEqual(
      { image, env, limits: resources.limits },
      {
        image: 'busybox:2',
        env: [{ name: 'A', value: 'B' }],
        limits: { cpu: '1', memory: '1Mi' },
      },
    );
    assert.equal(await field('svc made', '.spec.selector.app'), 'z');
    assert.equal(await field('rolebinding made', '.subjects[1].name'), 'v');
  });

  it('apply -k, diff -k, delete -k', async () => {
    const folder = join(session.directory, 'kust');
    await mkdir(folder);
    await session.file('kust/map.json', configMap('base', { a: '1' }));
    await session.file(
      'kust/kustomization.yaml',
      'resources: [map.json]\nnamePrefix: k-\nconfigMapGenerator: [{name: gen, literals: [a=b]}]\n',
    );
    assert.match(await k('kustomize', folder), /name: k-base/);
    assert.match(await k('apply', '-k', folder), /configmap\/k-base created/);
    assert.equal(await k('diff', '-k', folder), '');
    assert.match(await k('delete', '-k', folder), /"k-base" deleted/);
  });

  it('delete by name, selector, file, all; missing ones', async () => {
    const maps = listOf(configMap('d1', {}, { d: '1' }), configMap('d2', {}, { d: '1' }));
    const file = await session.file('maps.json', maps);
    await k('apply', '-f', file);
    assert.match(
      await k('delete', 'configmap', '-l', 'd=1', '--dry-run=server'),
      /"d1" deleted \(server dry run\)/,
    );
    assert.match(await k('delete', '-f', file), /"d2" deleted/);
    assert.equal(await k('delete', 'configmap', 'd1', '--ignore-not-found'), '');
    assert.equal(
      await session.refused('delete', 'configmap', 'd1'),
      'Error from server (NotFound): configmaps "d1" not found\n',
    );
    await k('delete', 'configmap', '--all');
    // A finalizer keeps it: a delete that waits gives up, and says so.
    const metadata = { name: 'kept', finalizers: ['example.com/hold'] };
    await session.given({ ...configMap('kept', {}), metadata }, 'apply', '-f', '-');
    assert.match(
      await session.refused('delete', 'configmap', 'kept', '--timeout=1s'),
      /timed out waiting for the condition/,
    );
  });

  it('a namespace goes with what is in it, and takes nothing new meanwhile', async () => {
    await session.given(
      {
        ...configMap('held', {}),
        metadata: { name: 'held', namespace: 'made', finalizers: ['example.com/hold'] },
      },
      'apply',
      '-f',
      '-',
    );
    await k('delete', 'ns', 'made', '--wait=false');
    assert.match(
      await session.refused('create', 'configmap', 'late', '-n', 'made'),
      /configmaps "late" is forbidden: unable to create new content in namespace made because it is being terminated/,
    );
    await k(
      'patch',
      'configmap',
      'held',
      '-n',
      'made',
      '--type=merge',
      '-p',
      '{"metadata":{"finalizers":null}}',
    );
    await k('wait', 'ns/made', '--for=delete', '--timeout=30s');
  });

  it('debug adds an ephemeral container; the pod itself does not take one', async () => {
    await k('run', 'watched', '--image=busybox:1.36');
    await k('debug', 'watched', '--image=busybox:1.36', '-c', 'look', '--attach=false', '--', 'true');
    assert.equal(await field('pod watched', '.spec.ephemeralContainers[*].name'), 'look');
    const more = '{"spec":{"ephemeralContainers":[{"name":"more","image":"i"}]}}';
    assert.match(
      await session.refused('patch', 'pod', 'watched', '-p', more),
      /pod updates may not change fields/,
    );
    const other = '{"spec":{"ephemeralContainers":[{"name":"look","image":"other"}]}}';
    assert.match(
      await session.refused('patch', 'pod', 'watched', '--subresource=ephemeralcontainers', '-p', other),
      /existing ephemeral containers "look" may not be changed/,
    );
  });

  it('auth can-i and impersonation', async () => {
    assert.match(await k('auth', 'can-i', 'get', 'pvc', '--as=system:serviceaccount:default:made'), /^yes/);
    assert.equal(
      await session.refused('get', 'pv', '--as=nobody'),
      'Error from server (Forbidden): persistentvolumes is forbidden: User "nobody" cannot list resource "persistentvolumes" in API group "" at the cluster scope\n',
    );
  });

  it('autoscale is refused cleanly', async () =>
    assert.match(
      await session.refused('autoscale', 'deploy', 'dep', '--max=3'),
      /^Error from server \((NotFound|MethodNotAllowed)\)/,
    ));
});
