import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { persistentVolumeClaims, statefulSets } from '../../kube/index.ts';
import { writeKubeconfig } from '../auth/index.ts';
import { startTestServer, type TestServer } from './test-server.ts';

const hasKubectl = spawnSync('kubectl', ['version', '--client']).status === 0;
/** Debian 12's; it checks manifests by itself, and words some things otherwise. */
const isOld = /"minor": "2\d/.test(
  spawnSync('kubectl', ['version', '--client', '-o', 'json'], { encoding: 'utf8' }).stdout ?? '',
);
const skip = isOld && 'kubectl is older than 1.30';
const MANIFEST = `
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: fast}
provisioner: disk.csi.stowage.dev
volumeBindingMode: WaitForFirstConsumer
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data, labels: {app: db}}
spec:
  accessModes: [ReadWriteOnce]
  storageClassName: fast
  resources: {requests: {storage: 1Gi}}
`;

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

describe('kubectl', { skip: hasKubectl ? false : 'kubectl is not on PATH', timeout: 120_000 }, () => {
  let api: TestServer;
  let home: string;
  before(async () => {
    api = await startTestServer();
    home = await mkdtemp(join(tmpdir(), 'stowage-kubectl-'));
    await writeKubeconfig(join(home, 'config'), {
      server: api.server.url,
      ca: api.pki.ca,
      client: api.pki.admin,
    });
    await writeFile(join(home, 'manifest.yaml'), MANIFEST);
  });
  after(async () => {
    await api?.close();
    if (home) await rm(home, { recursive: true });
  });

  // A home of its own: kubectl caches discovery and OpenAPI there.
  const options = () => ({
    cwd: home,
    env: { ...process.env, HOME: home, KUBECONFIG: join(home, 'config'), KUBECACHEDIR: join(home, 'cache') },
  });
  const run = (...args: string[]): Promise<Outcome> =>
    new Promise((resolve) => {
      execFile('kubectl', args, { ...options(), timeout: 120_000 }, (error, out, err) => {
        resolve({ code: error ? Number(error.code ?? 1) : 0, out: String(out), err: String(err) });
      });
    });
  const kubectl = async (...args: string[]): Promise<string> => {
    const { code, out, err } = await run(...args);
    assert.equal(code, 0, `kubectl ${args.join(' ')}: ${err}`);
    return out;
  };

  it('applies a manifest, twice without a change', async () => {
    assert.match(await kubectl('apply', '-f', 'manifest.yaml'), /persistentvolumeclaim\/data created/);
    assert.match(await kubectl('apply', '-f', 'manifest.yaml'), /persistentvolumeclaim\/data unchanged/);
    await writeFile(join(home, 'changed.yaml'), MANIFEST.replace('app: db', 'app: web'));
    assert.match(await kubectl('apply', '-f', 'changed.yaml'), /persistentvolumeclaim\/data configured/);
    const label = await kubectl('get', 'pvc', 'data', '-o', 'jsonpath={.metadata.labels.app}');
    assert.equal(label, 'web');
  });

  it('refuses a manifest with an unknown field or kind', { skip }, async () => {
    await writeFile(join(home, 'bad.yaml'), MANIFEST.replace('accessModes', 'accessMode'));
    assert.match((await run('apply', '-f', 'bad.yaml')).err, /unknown field "spec.accessMode"/);
    await writeFile(join(home, 'kind.yaml'), 'apiVersion: v1\nkind: Nope\nmetadata: {name: a}\n');
    for (const flag of ['--validate=true', '--validate=false'])
      assert.match((await run('create', flag, '-f', 'kind.yaml')).err, /no matches for kind "Nope"/);
  });

  it('shows tables, wide ones, YAML, and sorts', async () => {
    assert.match(
      await kubectl('get', 'pvc'),
      /^NAME +STATUS +VOLUME +CAPACITY +ACCESS MODES +STORAGECLASS .*AGE\ndata +Pending/,
    );
    assert.match(await kubectl('get', 'pvc', '-o', 'wide'), /VOLUMEMODE\ndata .*Filesystem/);
    assert.match(await kubectl('get', 'pvc', 'data', '-o', 'yaml'), /^kind: PersistentVolumeClaim$/m);
    assert.match(await kubectl('get', 'pvc', '-A', '--sort-by=.metadata.name'), /default +data/);
    assert.match((await run('get', 'pods')).err, /No resources found in default namespace/);
    assert.match((await run('get', 'pod', 'none')).err, /\(NotFound\): pods "none" not found/);
    assert.match((await run('get', 'nope')).err, /doesn't have a resource type "nope"/);
  });

  it('creates without a manifest, which newer ones send as protobuf', async () => {
    assert.match(
      await kubectl('create', 'configmap', 'made', '--from-literal=a=é'),
      /configmap\/made created/,
    );
    assert.equal(await kubectl('get', 'configmap', 'made', '-o', 'jsonpath={.data}'), '{"a":"é"}');
    await kubectl('create', 'secret', 'generic', 'made', '--from-literal=a=b');
    assert.equal(await kubectl('get', 'secret', 'made', '-o', 'jsonpath={.data.a}'), 'Yg==');
    await kubectl('create', 'deployment', 'made', '--image=x', '--replicas=0');
    assert.equal(await kubectl('get', 'deployment', 'made', '-o', 'jsonpath={.spec.replicas}'), '0');
    assert.match((await run('create', 'configmap', 'made')).err, /configmaps "made" already exists/);
    await kubectl('delete', 'configmap/made', 'secret/made', 'deployment/made', '--wait=false');
  });

  it('describes, labels, annotates and patches', async () => {
    assert.match(await kubectl('describe', 'pvc', 'data'), /StorageClass: +fast/);
    assert.match(await kubectl('label', 'pvc', 'data', 'tier=1'), /labeled/);
    assert.match(await kubectl('annotate', 'pvc', 'data', 'note=x'), /annotated/);
    await kubectl('patch', 'pvc', 'data', '-p', '{"metadata":{"labels":{"tier":"2"}}}');
    await kubectl('patch', 'pvc', 'data', '--type', 'merge', '-p', '{"metadata":{"labels":{"other":"3"}}}');
    await kubectl(
      'patch',
      'pvc',
      'data',
      '--type',
      'json',
      '-p',
      '[{"op":"remove","path":"/metadata/labels/app"}]',
    );
    const labels = await kubectl('get', 'pvc', 'data', '-o', 'jsonpath={.metadata.labels}');
    assert.deepEqual(JSON.parse(labels), { other: '3', tier: '2' });
  });

  it('knows the resources and explains them', { skip }, async () => {
    assert.match(
      await kubectl('api-resources'),
      /persistentvolumeclaims +pvc +v1 +true +PersistentVolumeClaim/,
    );
    const explained = await kubectl('explain', 'pvc.spec');
    assert.match(explained, /FIELD: spec <PersistentVolumeClaimSpec>/);
    assert.match(
      explained,
      /storageClassName\t<string>\n {4}storageClassName is the name of the StorageClass/,
    );
    assert.match(
      await kubectl('explain', 'pod.spec.containers.volumeMounts'),
      /mountPath\t<string> -required-/,
    );
    assert.match((await run('explain', 'pvc.spec.nope')).err, /field "nope" does not exist/);
  });

  it('waits for a condition and watches', { skip }, async () => {
    // Of a list: a watch of one object by its name drops what happens between its get and its watch.
    const named = ['get', 'pvc', '--field-selector', 'metadata.name=data', '-w', '--no-headers'];
    const watching = spawn('kubectl', named, options());
    try {
      const phases = linesOf(watching);
      assert.match((await phases.next()).value, /^data +Pending/);
      const waiting = run('wait', 'pvc/data', '--for=jsonpath={.status.phase}=Bound', '--timeout=15s');
      const claim = await api.client.get(persistentVolumeClaims, { namespace: 'default', name: 'data' });
      const status = { ...claim.status, phase: 'Bound' };
      await api.client.update(persistentVolumeClaims, { ...claim, status }, { subresource: 'status' });
      assert.match((await phases.next()).value, /^data +Bound/);
      assert.match((await waiting).out, /condition met/);
    } finally {
      if (watching.exitCode === null) {
        watching.kill();
        await once(watching, 'exit');
      }
    }
  });

  it('streams its lists where it is told to (WatchList)', { skip }, async () => {
    const labels = { app: 'web' };
    const made = await api.client.create(statefulSets, {
      metadata: { namespace: 'default', name: 'web' },
      spec: {
        serviceName: 'web',
        replicas: 0,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'i' }] } },
      },
    });
    const status = { replicas: 0, observedGeneration: made.metadata.generation };
    await api.client.update(statefulSets, { ...made, status }, { subresource: 'status' });
    const { env, cwd } = options();
    const watchList = { ...env, KUBE_FEATURE_WatchListClient: 'true' };
    const child = spawn('kubectl', ['rollout', 'status', 'sts/web', '--timeout=15s', '-v=6'], {
      cwd,
      env: watchList,
    });
    let said = '';
    child.stderr.on('data', (chunk) => (said += chunk));
    child.stdout.resume();
    const [code] = await once(child, 'close');
    assert.equal(code, 0, said);
    assert.match(said, /statefulsets\?.*sendInitialEvents=true.* 200 OK/);
    assert.match(said, /received the bookmark that marks the end of initial events stream/);
  });

  it('deletes', async () => {
    assert.match(await kubectl('delete', 'sc', 'fast'), /storageclass.storage.k8s.io "fast" deleted/);
    await api.client.patch(
      persistentVolumeClaims,
      { namespace: 'default', name: 'data' },
      { type: 'merge', body: { metadata: { finalizers: null } } },
    );
    assert.match(await kubectl('delete', 'pvc', 'data', '--timeout=10s'), /"data" deleted/);
    assert.match((await run('get', 'pvc')).err, /No resources found/);
  });

  it('reads health and version', { skip }, async () => {
    assert.equal(await kubectl('get', '--raw', '/readyz'), 'ok');
    assert.match(await kubectl('version'), /Server Version: v1\.36\.2\+stowage/);
  });
});

async function* linesOf(child: ChildProcess): AsyncGenerator<string, string> {
  let text = '';
  for await (const chunk of child.stdout!) {
    text += chunk;
    const lines = text.split('\n');
    text = lines.pop()!;
    yield* lines;
  }
  return '';
}
