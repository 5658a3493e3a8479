import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { loadKubeconfig } from '../client/http/index.ts';
import { plainKubeconfig } from './plain-kubeconfig.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');

const cluster = { server: 'https://127.0.0.1:6443', 'certificate-authority-data': base64('CA') };
const user = { 'client-certificate-data': base64('CERT'), 'client-key-data': base64('KEY') };
const kubeconfig = (change: object = {}, ofCluster: object = cluster, ofUser: object = user) => ({
  apiVersion: 'v1',
  kind: 'Config',
  'current-context': 'a',
  contexts: [
    { name: 'a', context: { cluster: 'c', user: 'u', namespace: 'n' } },
    { name: 'b', context: { cluster: 'c', user: 't' } },
  ],
  clusters: [{ name: 'c', cluster: ofCluster }],
  users: [
    { name: 'u', user: ofUser },
    { name: 't', user: { token: 'secret' } },
  ],
  ...change,
});

describe('a kubeconfig', () => {
  let directory = '';
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'kubeconfig-'));
  });
  after(() => rm(directory, { recursive: true, force: true }));
  const write = async (config: object | string) => {
    const file = join(directory, 'config');
    await writeFile(file, typeof config === 'string' ? config : JSON.stringify(config));
    return file;
  };

  it('of certificates is read without further ado', async () => {
    assert.deepEqual(await plainKubeconfig(await write(kubeconfig()), undefined), {
      server: 'https://127.0.0.1:6443',
      ca: 'CA',
      cert: 'CERT',
      key: 'KEY',
    });
  });

  it('has its certificates in files beside it, and other contexts', async () => {
    await writeFile(join(directory, 'ca.crt'), 'from a file');
    const config = kubeconfig({}, { server: 'https://a', 'certificate-authority': 'ca.crt' });
    const found = await plainKubeconfig(await write(config), 'b');
    assert.equal(found?.ca, 'from a file');
    assert.equal(typeof found?.token === 'function' ? await found.token() : found?.token, 'secret');
    assert.equal(found?.cert, undefined);
  });

  const others: [what: string, config: object | string, context?: string][] = [
    ['a credential plugin', kubeconfig({}, cluster, { exec: { command: 'get-token' } })],
    ['a token file', kubeconfig({}, cluster, { tokenFile: '/token' })],
    ['a proxy', kubeconfig({}, { ...cluster, 'proxy-url': 'http://proxy' })],
    ['no verification', kubeconfig({}, { ...cluster, 'insecure-skip-tls-verify': true })],
    ['a context that is not there', kubeconfig(), 'x'],
    ['a user that is not there', kubeconfig({ users: [] })],
    ['a file that is none', 'users: [', undefined],
    ['an empty file', '', undefined],
    [
      'certificates that are not there',
      kubeconfig({}, { server: 'https://a', 'certificate-authority': 'no.crt' }),
    ],
  ];
  for (const [what, config, context] of others)
    it(`with ${what} is left to who knows all of the format`, async () =>
      assert.equal(await plainKubeconfig(await write(config), context), undefined));

  it('is the same to both readers', async () => {
    const file = await write(kubeconfig());
    const [plain, full] = [await plainKubeconfig(file, undefined), await loadKubeconfig(file)];
    const known = Object.entries(full).filter(([, value]) => value !== undefined && value !== false);
    assert.deepEqual(plain, Object.fromEntries(known));
  });
});
