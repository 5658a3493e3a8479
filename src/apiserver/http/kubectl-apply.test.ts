import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { writeKubeconfig } from '../auth/index.ts';
import { startTestServer, type TestServer } from './test-server.ts';

const hasKubectl = spawnSync('kubectl', ['version', '--client']).status === 0;
/** Debian 12's: it does not turn what client-side apply owned into what apply owns. */
const isOld = /"minor": "2\d/.test(
  spawnSync('kubectl', ['version', '--client', '-o', 'json'], { encoding: 'utf8' }).stdout ?? '',
);

describe('kubectl apply --server-side', {
  skip: hasKubectl ? false : 'kubectl is not on PATH',
  timeout: 120_000,
}, () => {
  let api: TestServer;
  let home: string;
  before(async () => {
    api = await startTestServer();
    home = await mkdtemp(join(tmpdir(), 'stowage-kubectl-apply-'));
    const { ca, admin: client } = api.pki;
    await writeKubeconfig(join(home, 'config'), { server: api.server.url, ca, client });
  });
  after(async () => {
    await api?.close();
    if (home) await rm(home, { recursive: true });
  });

  const run = (...args: string[]): Promise<{ code: number; text: string }> =>
    new Promise((resolve) => {
      // A home of its own: kubectl caches discovery and OpenAPI there.
      const env = {
        ...process.env,
        HOME: home,
        KUBECONFIG: join(home, 'config'),
        KUBECACHEDIR: join(home, 'cache'),
      };
      execFile('kubectl', args, { cwd: home, env, timeout: 120_000 }, (error, out, err) => {
        resolve({ code: error ? Number(error.code ?? 1) : 0, text: `${out}${err}` });
      });
    });
  const kubectl = async (...args: string[]): Promise<string> => {
    const { code, text } = await run(...args);
    assert.equal(code, 0, `kubectl ${args.join(' ')}: ${text}`);
    return text;
  };
  const manifest = async (name: string, data: Record<string, string>) => {
    const metadata = { name, namespace: 'default' };
    const file = `${name}.yaml`;
    await writeFile(
      join(home, file),
      JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data }),
    );
    return file;
  };
  const data = async (name: string) =>
    JSON.parse(await kubectl('get', 'configmap', name, '-o', 'jsonpath={.data}')) as object;
  const managers = async (name: string) =>
    (await kubectl('get', 'configmap', name, '-o', 'jsonpath={.metadata.managedFields[*].manager}')).split(
      ' ',
    );

  it('makes, changes nothing, changes, drops a field', async () => {
    const apply = ['apply', '--server-side', '-f', await manifest('own', { a: '1', b: '1' })];
    assert.match(await kubectl(...apply), /configmap\/own serverside-applied/);
    const version = await kubectl('get', 'configmap', 'own', '-o', 'jsonpath={.metadata.resourceVersion}');
    await kubectl(...apply);
    assert.equal(
      await kubectl('get', 'configmap', 'own', '-o', 'jsonpath={.metadata.resourceVersion}'),
      version,
    );
    await manifest('own', { a: '2' });
    await kubectl(...apply);
    assert.deepEqual(await data('own'), { a: '2' });
    assert.deepEqual(await managers('own'), ['kubectl']);
  });

  it('names the conflict, and takes over with --force-conflicts', async () => {
    const file = await manifest('shared', { a: '1', b: '1' });
    await kubectl('apply', '--server-side', '-f', file, '--field-manager', 'one');
    await manifest('shared', { a: '2' });
    const apply = ['apply', '--server-side', '-f', file, '--field-manager', 'two'];
    const refused = await run(...apply);
    assert.notEqual(refused.code, 0);
    assert.match(refused.text, /Apply failed with 1 conflict: conflict with "one": \.data\.a/);
    assert.match(refused.text, /--force-conflicts/);
    await kubectl(...apply, '--force-conflicts');
    assert.deepEqual(await data('shared'), { a: '2', b: '1' });
    assert.deepEqual((await managers('shared')).sort(), ['one', 'two']);
  });

  it('takes over an object of client-side apply, from its own and from another manager', async () => {
    const file = await manifest('moved', { a: '1', b: '1' });
    await kubectl('apply', '-f', file);
    assert.deepEqual(await managers('moved'), ['kubectl-client-side-apply']);
    await manifest('moved', { a: '2', b: '1' });
    const other = await run('apply', '--server-side', '-f', file, '--field-manager', 'other');
    assert.match(other.text, /conflict with "kubectl-client-side-apply" using v1: \.data\.a/);
    await kubectl('apply', '--server-side', '-f', file);
    assert.deepEqual(await data('moved'), { a: '2', b: '1' });
    if (isOld) return;
    // Not only taken over: what is no longer named goes, as with client-side apply.
    await manifest('moved', { a: '2' });
    await kubectl('apply', '--server-side', '-f', file);
    await kubectl('apply', '-f', file);
    assert.deepEqual(await data('moved'), { a: '2' });
  });

  it('sees what another manager has changed by edit or label', async () => {
    const file = await manifest('edited', { a: '1' });
    await kubectl('apply', '--server-side', '-f', file);
    await kubectl('patch', 'configmap', 'edited', '--type=merge', '-p', '{"data":{"a":"x"}}');
    const refused = await run('apply', '--server-side', '-f', file);
    assert.match(refused.text, /conflict with "kubectl-patch" using v1: \.data\.a/);
    await kubectl('label', 'configmap', 'edited', 'team=storage');
    await kubectl('apply', '--server-side', '-f', file, '--force-conflicts');
    assert.equal(
      await kubectl('get', 'configmap', 'edited', '-o', 'jsonpath={.data.a} {.metadata.labels.team}'),
      '1 storage',
    );
  });
});
