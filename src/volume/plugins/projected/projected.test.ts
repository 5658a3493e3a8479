import assert from 'node:assert/strict';
import * as fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { openSigningKeys, serveServiceAccounts } from '../../../apiserver/auth/service-account/index.ts';
import { createLocalClient, createRegistry, openStore } from '../../../apiserver/index.ts';
import { FakeClock, seededRandom, systemClock } from '../../../base/index.ts';
import { createLinuxHost } from '../../../host/index.ts';
import { configMaps, type Pod, pods, secrets, serviceAccounts, type Volume } from '../../../kube/index.ts';
import { type MountContext, specFromVolume } from '../../index.ts';
import { isMountPoint } from '../../mount/index.ts';
import { createDownwardApiPlugin } from '../downward-api/index.ts';
import { fsUserOf } from './fs-user.ts';
import { createProjectedPlugin } from './index.ts';

const host = createLinuxHost({ clock: systemClock });
const unprivileged = process.getuid?.() !== 0 && 'mounting needs root';
const namespace = 'default';

async function start(test: TestContext, spec: Partial<Pod['spec']> = {}) {
  const nodeRoot = await fs.mkdtemp(join(tmpdir(), 'projected-'));
  const clock = new FakeClock();
  const random = seededRandom(1);
  const registry = await createRegistry({ store: await openStore({ memory: true, clock }), clock, random });
  const tokens = serveServiceAccounts({ registry, keys: await openSigningKeys(), clock, random });
  const client = createLocalClient(registry);
  await client.create(serviceAccounts, { metadata: { namespace, name: 'robot' } });
  await client.create(secrets, { metadata: { namespace, name: 's' }, data: { key: 'aHVzaA==' } });
  await client.create(configMaps, { metadata: { namespace, name: 'm' }, data: { key: 'red', other: 'x' } });
  const pod = await client.create(pods, {
    metadata: { namespace, name: 'p', labels: { app: 'web' } },
    spec: { containers: [{ name: 'c', image: 'i' }], serviceAccountName: 'robot', ...spec } as Pod['spec'],
  });
  const options = { host, nodeRoot, client, clock, random, allocatable: () => ({ cpu: '4' }) };
  const { uid } = pod.metadata;
  const { signal } = new AbortController();
  const up = async (volume: Volume, more: Partial<MountContext> = {}) => {
    const plugin = volume.projected ? projected : createDownwardApiPlugin(options);
    const volumeSpec = specFromVolume(volume);
    assert.ok(plugin.canSupport(volumeSpec));
    await plugin.mounter.setUp(volumeSpec, { pod, signal, ...more });
    return plugin.mounter.podPath(volumeSpec, uid);
  };
  const projected = createProjectedPlugin(options);
  const down = (name: string) => projected.mounter.tearDown(name, uid, signal);
  test.after(async () => {
    for (const plugin of [projected, createDownwardApiPlugin(options)])
      await plugin.mounter.tearDown('v', uid, signal);
    await host.files.removeTree(nodeRoot);
  });
  return { nodeRoot, client, clock, tokens, pod, up, down };
}

type Sources = NonNullable<NonNullable<Volume['projected']>['sources']>;
const volumeOf = (sources: Sources, defaultMode?: number): Volume => ({
  name: 'v',
  projected: { sources, defaultMode },
});
const read = (path: string, name: string) => fs.readFile(join(path, name), 'utf8');
const modeOf = async (path: string) => (await fs.stat(path)).mode & 0o777;

describe('a projected volume', { skip: unprivileged }, () => {
  it('holds all its sources, in memory, and goes without a trace', async (test) => {
    const { nodeRoot, up, down, pod, tokens } = await start(test);
    const path = await up(
      volumeOf([
        { secret: { name: 's', items: [{ key: 'key', path: 'deep/password', mode: 0o400 }] } },
        { configMap: { name: 'm' } },
        { downwardAPI: { items: [{ path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } }] } },
        { serviceAccountToken: { path: 'token', expirationSeconds: 3607 } },
        { configMap: { name: 'absent', optional: true } },
      ]),
    );
    assert.equal(path, join(nodeRoot, `pods/${pod.metadata.uid}/volumes/kubernetes.io~projected/v`));
    assert.equal(await isMountPoint(host, path), true);
    const visible = (await fs.readdir(path)).filter((name) => !name.startsWith('..'));
    assert.deepEqual(visible.sort(), ['deep', 'key', 'labels', 'other', 'token']);
    assert.equal(await read(path, 'deep/password'), 'hush');
    assert.equal(await read(path, 'key'), 'red');
    assert.equal(await read(path, 'labels'), 'app="web"');
    assert.equal(await modeOf(join(path, 'deep/password')), 0o400);
    assert.equal(await modeOf(join(path, 'token')), 0o644);
    const found = await tokens.authenticate(await read(path, 'token'));
    assert.equal(found?.user.name, 'system:serviceaccount:default:robot');
    assert.deepEqual(found?.user.extra?.['authentication.kubernetes.io/pod-name'], ['p']);
    await down('v');
    assert.equal(await host.files.stat(path), undefined);
  });

  it('follows changes, and gets another token in time', async (test) => {
    const { up, client, clock } = await start(test);
    const volume = volumeOf([
      { configMap: { name: 'm', items: [{ key: 'key', path: 'color' }] } },
      { serviceAccountToken: { path: 'token' } },
    ]);
    const path = await up(volume);
    const first = await read(path, 'token');
    const data = await fs.readlink(join(path, '..data'));
    await up(volume, { isRemount: true });
    assert.equal(await fs.readlink(join(path, '..data')), data, 'nothing to write');
    await client.patch(
      configMaps,
      { namespace, name: 'm' },
      { type: 'merge', body: { data: { key: 'blue' } } },
    );
    await clock.advance(2_900_000);
    await up(volume, { isRemount: true });
    assert.equal(await read(path, 'color'), 'blue');
    assert.notEqual(await read(path, 'token'), first);
    assert.equal((await fs.readdir(path)).filter((name) => /^\.\.\d/.test(name)).length, 1, 'one version');
  });

  it('gives the token to the pod’s group, and to nobody else', async (test) => {
    const { up } = await start(test);
    const path = await up(volumeOf([{ serviceAccountToken: { path: 'token' } }]), { fsGroup: 4242 });
    const { gid, uid, mode } = await fs.stat(join(path, 'token'));
    assert.deepEqual([uid, gid, (mode & 0o777).toString(8)], [0, 4242, '640']);
  });

  it('gives the token to the one user that the pod runs as', async (test) => {
    const { up } = await start(test, { securityContext: { runAsUser: 1234 } });
    const path = await up(volumeOf([{ serviceAccountToken: { path: 'token' } }]));
    const { uid, mode } = await fs.stat(join(path, 'token'));
    assert.deepEqual([uid, (mode & 0o777).toString(8)], [1234, '600']);
  });

  it('says all that is missing, and leaves nothing half done', async (test) => {
    const { up } = await start(test);
    const volume = volumeOf([
      { configMap: { name: 'gone' } },
      { secret: { name: 's', items: [{ key: 'none', path: 'x' }] } },
      { clusterTrustBundle: { path: 'x' } },
    ]);
    await assert.rejects(
      up(volume),
      /^Error: \[configmap "gone" not found, references non-existent secret key: none, clusterTrustBundle projections are not supported by this node; use secret, configMap, downwardAPI or serviceAccountToken\]$/,
    );
  });

  it('keeps what it has while its sources are gone', async (test) => {
    const { up, client } = await start(test);
    const volume = volumeOf([{ configMap: { name: 'm' } }]);
    const path = await up(volume);
    await client.delete(configMaps, { namespace, name: 'm' });
    await assert.rejects(up(volume, { isRemount: true }), /not found/);
    assert.equal(await read(path, 'key'), 'red');
  });
});

describe('a downwardAPI volume', { skip: unprivileged }, () => {
  it('tells the pod of itself, and of its changes', async (test) => {
    const { up, pod, client } = await start(test);
    const volume: Volume = {
      name: 'v',
      downwardAPI: {
        defaultMode: 0o440,
        items: [
          { path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } },
          { path: 'cpu', resourceFieldRef: { containerName: 'c', resource: 'limits.cpu' } },
        ],
      },
    };
    const path = await up(volume);
    assert.equal(await read(path, 'labels'), 'app="web"');
    assert.equal(await read(path, 'cpu'), '4');
    assert.equal(await modeOf(join(path, 'cpu')), 0o440);
    assert.match(path, /kubernetes\.io~downward-api\/v$/);
    const body = { metadata: { labels: { app: 'db' } } };
    const changed = await client.patch(pods, { namespace, name: pod.metadata.name }, { type: 'merge', body });
    await up(volume, { pod: changed, isRemount: true });
    assert.equal(await read(path, 'labels'), 'app="db"');
  });
});

describe('the user of a pod’s tokens', () => {
  const podWith = (ofPod: number | undefined, ...ofContainers: (number | undefined)[]): Pod => ({
    spec: {
      securityContext: { runAsUser: ofPod },
      containers: ofContainers.map((runAsUser) => ({ name: 'c', securityContext: { runAsUser } })),
    },
  });
  const cases: [string, Pod, number | undefined][] = [
    ['is the pod’s', podWith(7, undefined, undefined), 7],
    ['is that of all containers', podWith(undefined, 8, 8), 8],
    ['is nobody when they differ', podWith(7, 8, undefined), undefined],
    ['is nobody when one does not say', podWith(undefined, 8, undefined), undefined],
  ];
  for (const [what, pod, user] of cases) it(what, () => assert.equal(fsUserOf(pod), user));
});
