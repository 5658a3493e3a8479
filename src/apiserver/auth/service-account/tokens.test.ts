import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { FakeClock, turn } from '../../../base/index.ts';
import {
  nodes,
  pods,
  type Secret,
  secrets,
  selfSubjectReviews,
  serviceAccounts,
  type TokenReview,
  tokenReviews,
} from '../../../kube/index.ts';
import { legacyClaims, openSigningKeys } from './index.ts';
import { createPod, partOf, request, startTokens } from './test-support.ts';

const ISSUER = 'https://kubernetes.default.svc.cluster.local';
const HOUR_MS = 3_600_000;
const bound = (kind: string, name: string) => ({ boundObjectRef: { apiVersion: 'v1', kind, name } });

describe('a bound token', () => {
  it('stands for its account, with all that it tells', async () => {
    const { client, tokens, account } = await startTokens();
    const node = await client.create(nodes, { metadata: { name: 'node-1' } });
    const pod = await createPod(client, { nodeName: 'node-1' });
    const { status } = await request(client, bound('Pod', 'p'));
    const { jti } = partOf(status.token, 1);
    assert.deepEqual(await tokens.authenticate(status.token), {
      audiences: [ISSUER],
      user: {
        name: 'system:serviceaccount:default:robot',
        uid: account.metadata.uid,
        groups: ['system:serviceaccounts', 'system:serviceaccounts:default', 'system:authenticated'],
        extra: {
          'authentication.kubernetes.io/credential-id': [`JTI=${jti}`],
          'authentication.kubernetes.io/node-name': ['node-1'],
          'authentication.kubernetes.io/node-uid': [node.metadata.uid],
          'authentication.kubernetes.io/pod-name': ['p'],
          'authentication.kubernetes.io/pod-uid': [pod.metadata.uid],
        },
      },
    });
  });

  it('expires, a minute late for clocks that differ', async () => {
    const { client, tokens, clock } = await startTokens();
    const { status } = await request(client);
    await clock.advance(HOUR_MS + 60_000);
    assert.ok(await tokens.authenticate(status.token));
    await clock.advance(1_000);
    await assert.rejects(
      tokens.authenticate(status.token),
      /^InvalidTokenError: service account token has expired$/,
    );
  });

  it('is not valid before its time', async () => {
    const keys = await openSigningKeys();
    const late = await startTokens({ keys, clock: new FakeClock(10 * HOUR_MS) });
    const early = await startTokens({ keys, clock: new FakeClock(10 * HOUR_MS - 61_000) });
    const { status } = await request(late.client);
    await assert.rejects(early.tokens.authenticate(status.token), /service account token is not valid yet/);
  });

  const invalidated = /service account token has been invalidated/;
  const cases: [
    string,
    object,
    (fixture: Awaited<ReturnType<typeof startTokens>>) => Promise<unknown>,
    RegExp,
  ][] = [
    [
      'its account',
      {},
      ({ client }) => client.delete(serviceAccounts, { namespace: 'default', name: 'robot' }),
      /serviceaccounts "robot" not found/,
    ],
    [
      'its account for another of that name',
      {},
      async ({ client }) => {
        await client.delete(serviceAccounts, { namespace: 'default', name: 'robot' });
        await client.create(serviceAccounts, { metadata: { namespace: 'default', name: 'robot' } });
      },
      /service account UID \(.+\) does not match claim \(.+\)/,
    ],
    [
      'its pod',
      bound('Pod', 'p'),
      ({ client }) => client.delete(pods, { namespace: 'default', name: 'p' }),
      invalidated,
    ],
    [
      'its pod for another of that name',
      bound('Pod', 'p'),
      async ({ client }) => {
        await client.delete(pods, { namespace: 'default', name: 'p' });
        await createPod(client);
      },
      /pod UID \(.+\) does not match service account pod ref claim \(.+\)/,
    ],
    [
      'its secret',
      bound('Secret', 's'),
      ({ client }) => client.delete(secrets, { namespace: 'default', name: 's' }),
      invalidated,
    ],
    ['its node', bound('Node', 'n'), ({ client }) => client.delete(nodes, { name: 'n' }), invalidated],
  ];
  for (const [what, spec, remove, message] of cases)
    it(`goes with ${what}`, async () => {
      const fixture = await startTokens();
      const { client, tokens } = fixture;
      await createPod(client);
      await client.create(secrets, { metadata: { namespace: 'default', name: 's' } });
      await client.create(nodes, { metadata: { name: 'n' } });
      const { status } = await request(client, spec);
      assert.ok(await tokens.authenticate(status.token));
      await remove(fixture);
      await assert.rejects(tokens.authenticate(status.token), message);
    });

  it('outlives the deletion of its pod for a minute at most', async () => {
    const { client, tokens, clock } = await startTokens();
    await createPod(client);
    await client.patch(
      pods,
      { namespace: 'default', name: 'p' },
      { type: 'merge', body: { metadata: { finalizers: ['example.com/hold'] } } },
    );
    const { status } = await request(client, bound('Pod', 'p'));
    await client.delete(pods, { namespace: 'default', name: 'p' });
    assert.ok(await tokens.authenticate(status.token));
    await clock.advance(62_000);
    await assert.rejects(tokens.authenticate(status.token), invalidated);
  });

  it('is for its audiences only', async () => {
    const { client, tokens } = await startTokens();
    const { status } = await request(client, { audiences: ['vault', 'other'] });
    await assert.rejects(
      tokens.authenticate(status.token),
      /token audiences \["vault" "other"\] is invalid for the target audiences \["https:\/\/kubernetes/,
    );
    assert.deepEqual((await tokens.authenticate(status.token, ['x', 'vault']))?.audiences, ['vault']);
  });
});

describe('a token that was tampered with', () => {
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  async function forge(test: TestContext, make: (token: string, id: string) => Promise<string> | string) {
    const { client, tokens, keys } = await startTokens();
    test.diagnostic('the real one is good');
    const { status } = await request(client);
    assert.ok(await tokens.authenticate(status.token));
    return tokens.authenticate(await make(status.token, keys.signing.id));
  }
  const bad =
    /InvalidTokenError: (invalid signature, no keys found|go-jose\/go-jose: error in cryptographic primitive)/;

  it('is refused: claims changed', async (test) => {
    await assert.rejects(
      forge(test, (token) => {
        const [head, , signature] = token.split('.');
        return [
          head,
          encode({ ...partOf(token, 1), sub: 'system:serviceaccount:kube-system:admin' }),
          signature,
        ].join('.');
      }),
      bad,
    );
  });
  it('is refused: signature changed or left out', async (test) => {
    await assert.rejects(
      forge(test, (token) => token.slice(0, -4)),
      bad,
    );
    await assert.rejects(
      forge(test, (token) => `${token.split('.').slice(0, 2).join('.')}.`),
      bad,
    );
  });
  it('is refused: algorithm none, or the public key as a shared secret', async (test) => {
    const withHead = (head: object) => (token: string) =>
      `${encode(head)}.${token.split('.').slice(1).join('.')}`;
    await assert.rejects(forge(test, withHead({ alg: 'none' })), bad);
    await assert.rejects(forge(test, withHead({ alg: 'HS256' })), bad);
  });
  it('is refused: signed by somebody else, with or without our key id', async (test) => {
    const thief = await startTokens();
    await assert.rejects(
      forge(test, (token) => thief.tokens.sign(partOf(token, 1))),
      /invalid signature, no keys found/,
    );
    await assert.rejects(
      forge(test, (token, id) => {
        const { signing, verification } = thief.keys;
        return startTokens({ keys: { signing: { ...signing, id }, verification } }).then(({ tokens }) =>
          tokens.sign(partOf(token, 1)),
        );
      }),
      bad,
    );
  });
  it('is no token of ours at all', async (test) => {
    for (const text of ['abc', 'a.b.c', '..', '', '{"a":1}'])
      assert.equal(await forge(test, () => text), undefined);
  });
});

describe('the token of a secret', () => {
  async function start() {
    const fixture = await startTokens();
    const { client, tokens, account } = fixture;
    const secret = await client.create(secrets, { metadata: { namespace: 'default', name: 's' } });
    const token = await tokens.sign(legacyClaims(account, secret));
    const put = (data: Secret['data'], labels?: Record<string, string>) =>
      client.update(secrets, {
        ...secret,
        metadata: { ...secret.metadata, resourceVersion: '', labels },
        data,
      });
    await put({ token: Buffer.from(token).toString('base64') });
    return { ...fixture, token, put };
  }

  it('stands for its account as long as the secret holds it', async () => {
    const { tokens, token, put, account } = await start();
    assert.deepEqual((await tokens.authenticate(token))?.user, {
      name: 'system:serviceaccount:default:robot',
      uid: account.metadata.uid,
      groups: ['system:serviceaccounts', 'system:serviceaccounts:default', 'system:authenticated'],
    });
    await put({ token: 'b3RoZXI=' });
    await assert.rejects(tokens.authenticate(token), /Token does not match server's copy/);
  });

  it('has noted in its secret on which day it was last used', async () => {
    const { tokens, token, client, clock } = await start();
    const used = async () => {
      await tokens.authenticate(token);
      await turn();
      return client.get(secrets, { namespace: 'default', name: 's' });
    };
    const label = ({ metadata }: Secret) => metadata?.labels?.['kubernetes.io/legacy-token-last-used'];
    const first = await used();
    assert.equal(label(first), new Date(clock.now()).toISOString().slice(0, 10));
    assert.equal((await used()).metadata.resourceVersion, first.metadata.resourceVersion, 'noted once');
    await clock.advance(24 * HOUR_MS);
    assert.equal(label(await used()), new Date(clock.now()).toISOString().slice(0, 10));
  });

  it('goes with the secret, or when it is marked', async () => {
    const { tokens, token, put, client } = await start();
    const data = { token: Buffer.from(token).toString('base64') };
    await put(data, { 'kubernetes.io/legacy-token-invalid-since': '2026-01-01' });
    await assert.rejects(
      tokens.authenticate(token),
      /has been marked invalid\. Use tokens from the TokenRequest/,
    );
    await put(data);
    assert.ok(await tokens.authenticate(token));
    await client.delete(secrets, { namespace: 'default', name: 's' });
    await assert.rejects(tokens.authenticate(token), /Token has been invalidated/);
  });
});

describe('reviews', () => {
  const review = async (spec: TokenReview['spec']) => {
    const { client } = await startTokens();
    const { status } = await request(client);
    const token = spec.token.replace('TOKEN', status.token);
    return (await client.create(tokenReviews, { spec: { ...spec, token } })).status;
  };
  it('tell whom a token stands for', async () => {
    const status = await review({ token: 'TOKEN' });
    assert.equal(status?.authenticated, true);
    assert.equal(status?.user?.username, 'system:serviceaccount:default:robot');
    assert.deepEqual(status?.audiences, [ISSUER]);
  });
  it('tell why a token is not good', async () => {
    assert.deepEqual(await review({ token: 'abc' }), { user: {}, error: 'invalid bearer token' });
    assert.equal(
      (await review({ token: 'TOKEN', audiences: ['other'] }))?.error,
      `[invalid bearer token, token audiences ["${ISSUER}"] is invalid for the target audiences ["other"]]`,
    );
    await assert.rejects(review({ token: '' }), /token is required for TokenReview in authentication/);
  });
  it('tell who asks', async () => {
    const { registry } = await startTokens();
    const user = { name: 'alice', uid: '7', groups: ['a'], extra: { k: ['v'] } };
    const { object } = await registry.create(selfSubjectReviews, {}, { user });
    assert.deepEqual(object.status?.userInfo, {
      username: 'alice',
      uid: '7',
      groups: ['a'],
      extra: { k: ['v'] },
    });
  });
  it('are not stored and cannot be read', async () => {
    const { client, registry } = await startTokens();
    const before = registry.revision();
    await client.create(tokenReviews, { spec: { token: 'x' } });
    assert.equal(registry.revision(), before);
  });
});
