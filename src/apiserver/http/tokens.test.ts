import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createPublicKey, verify } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { serviceAccounts, type TokenRequest } from '../../kube/index.ts';
import { bearerToken, writeKubeconfig } from '../auth/index.ts';
import { startTestServer, type TestServer } from './test-server.ts';

const REVIEWS = '/apis/authentication.k8s.io/v1/selfsubjectreviews';
const ACCOUNT = '/api/v1/namespaces/default/serviceaccounts/robot';
const json = { 'Content-Type': 'application/json' };

describe('bearer tokens over HTTPS', () => {
  let api: TestServer;
  let token: string;
  before(async () => {
    api = await startTestServer();
    await api.client.create(serviceAccounts, { metadata: { namespace: 'default', name: 'robot' } });
    const answer = await api.fetch(`${ACCOUNT}/token`, { method: 'POST', headers: json, body: '{}' });
    assert.equal(answer.code, 201);
    token = answer.json<TokenRequest>().status!.token!;
  });
  after(() => api.close());

  const withToken = (text: string, path: string, body?: object) =>
    api.fetch(path, {
      as: null,
      method: body ? 'POST' : 'GET',
      headers: { ...json, Authorization: `Bearer ${text}` },
      body: body && JSON.stringify(body),
    });

  it('say who a request is from', async () => {
    const answer = await withToken(token, REVIEWS, {});
    assert.equal(answer.code, 201);
    const { status } = answer.json<{ status: { userInfo: { username: string; extra: object } } }>();
    assert.equal(status.userInfo.username, 'system:serviceaccount:default:robot');
    assert.deepEqual(Object.keys(status.userInfo.extra), ['authentication.kubernetes.io/credential-id']);
  });

  it('let their account do what it may, and nothing else', async () => {
    const answer = await withToken(token, '/api/v1/namespaces/default/secrets');
    assert.equal(answer.code, 403);
    assert.match(
      answer.json().message,
      /^secrets is forbidden: User "system:serviceaccount:default:robot" cannot list resource "secrets" in API group ""/,
    );
  });

  it('that are not good get 401, even where anybody may read', async () => {
    const forged = `${token.slice(0, -6)}AAAAAA`;
    for (const text of ['nonsense', forged, 'a.b.c'])
      for (const path of ['/api/v1/pods', '/healthz']) {
        const answer = await withToken(text, path);
        assert.equal(answer.code, 401, `${text} ${path}`);
        assert.deepEqual([answer.json().message, answer.json().reason], ['Unauthorized', 'Unauthorized']);
      }
    assert.equal((await api.fetch('/healthz', { as: null })).code, 200);
  });

  it('leave the connection in order when a body was not wanted', async () => {
    const answer = await withToken('nonsense', REVIEWS, { padding: 'x'.repeat(1 << 20) });
    assert.equal(answer.code, 401);
  });

  it('count less than a certificate', async () => {
    const headers = { ...json, Authorization: 'Bearer nonsense' };
    const answer = await api.fetch(REVIEWS, { method: 'POST', headers, body: '{}' });
    const { userInfo } = answer.json<{ status: { userInfo: { username: string; extra: object } } }>().status;
    assert.equal(userInfo.username, 'kubernetes-admin');
    assert.match(
      JSON.stringify(userInfo.extra),
      /"authentication\.kubernetes\.io\/credential-id":\["X509SHA256=[0-9a-f]{64}"\]/,
    );
  });

  it('go with their account', async () => {
    const name = { namespace: 'default', name: 'short-lived' };
    await api.client.create(serviceAccounts, { metadata: name });
    const path = ACCOUNT.replace('robot', name.name);
    const made = await api.fetch(`${path}/token`, { method: 'POST', headers: json, body: '{}' });
    const own = made.json<TokenRequest>().status!.token!;
    assert.equal((await withToken(own, '/version')).code, 200);
    await api.client.delete(serviceAccounts, name);
    assert.equal((await withToken(own, '/version')).code, 401);
  });

  it('can be verified by others, with the keys that the server publishes', async () => {
    const discovery = await api.fetch('/.well-known/openid-configuration');
    assert.equal(discovery.headers['content-type'], 'application/json');
    assert.equal(discovery.headers['cache-control'], 'public, max-age=3600');
    const config = discovery.json<{ issuer: string; jwks_uri: string }>();
    assert.deepEqual(config, {
      issuer: 'https://kubernetes.default.svc.cluster.local',
      jwks_uri: `${api.server.url}/openid/v1/jwks`,
      response_types_supported: ['id_token'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['ES256'],
    });
    const keySet = await api.fetch('/openid/v1/jwks');
    assert.equal(keySet.headers['content-type'], 'application/jwk-set+json');
    const [key] = keySet.json<{ keys: import('node:crypto').JsonWebKey[] }>().keys;
    const [head, body, signature] = token.split('.');
    const publicKey = createPublicKey({ key: key!, format: 'jwk' });
    const good = verify(
      'sha256',
      Buffer.from(`${head}.${body}`),
      { key: publicKey, dsaEncoding: 'ieee-p1363' },
      Buffer.from(signature!, 'base64url'),
    );
    assert.equal(good, true);
    assert.equal((await api.fetch('/openid/v1/jwks', { as: null })).code, 403, 'not by just anybody');
  });

  it('are told by discovery', async () => {
    const core = (await api.fetch('/api/v1')).json<{ resources: { name: string }[] }>().resources;
    assert.deepEqual(
      core.find(({ name }) => name === 'serviceaccounts/token'),
      {
        name: 'serviceaccounts/token',
        singularName: '',
        namespaced: true,
        group: 'authentication.k8s.io',
        version: 'v1',
        kind: 'TokenRequest',
        verbs: ['create'],
      },
    );
    const group = (await api.fetch('/apis/authentication.k8s.io/v1')).json<{
      resources: { name: string }[];
    }>();
    assert.deepEqual(group.resources.map(({ name }) => name).sort(), ['selfsubjectreviews', 'tokenreviews']);
    assert.equal((await api.fetch('/apis/authentication.k8s.io/v1/tokenreviews')).code, 405);
  });

  const hasKubectl = spawnSync('kubectl', ['version', '--client']).status === 0;
  it('work with kubectl', { skip: hasKubectl ? false : 'kubectl is not on PATH' }, async (test) => {
    const home = await mkdtemp(join(tmpdir(), 'stowage-tokens-'));
    test.after(() => rm(home, { recursive: true }));
    const { pki, server } = api;
    await writeKubeconfig(join(home, 'config'), { server: server.url, ca: pki.ca, client: pki.admin });
    const { execFile } = await import('node:child_process');
    const kubectl = (...args: string[]) =>
      new Promise<{ out: string; err: string }>((resolve) => {
        const env = { ...process.env, KUBECONFIG: join(home, 'config'), HOME: home };
        execFile('kubectl', args, { env }, (_error, out, err) => resolve({ out, err }));
      });
    assert.match(
      (await kubectl('auth', 'whoami')).out,
      /Username\s+kubernetes-admin\nGroups\s+\[system:masters system:authenticated\]/,
    );
    const made = await kubectl('create', 'token', 'robot', '--duration=20m', '--audience=vault');
    const claims = JSON.parse(Buffer.from(made.out.split('.')[1]!, 'base64url').toString());
    assert.deepEqual([claims.aud, claims.exp - claims.iat], [['vault'], 1200]);
    assert.match(
      (await kubectl('create', 'token', 'robot', '--duration=5m')).err,
      /spec\.expirationSeconds: Invalid value: 300: may not specify a duration less than 10 minutes/,
    );
    assert.match((await kubectl('create', 'token', 'nobody')).err, /serviceaccounts "nobody" not found/);
  });
});

describe('an Authorization header', () => {
  const cases: [string | undefined, string | undefined][] = [
    [undefined, undefined],
    ['', undefined],
    ['Bearer abc', 'abc'],
    [' bearer abc more', 'abc'],
    ['Bearer', undefined],
    ['Bearer  abc', undefined],
    ['Basic abc', undefined],
  ];
  for (const [header, token] of cases)
    it(`${JSON.stringify(header)} has ${token ?? 'no token'}`, () =>
      assert.equal(bearerToken(header), token));
});
