import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nodes, type StatusError, secrets, serviceAccounts } from '../../../kube/index.ts';
import { createPod, partOf, request, startTokens } from './test-support.ts';

const ISSUER = 'https://kubernetes.default.svc.cluster.local';
const seconds = (ms: number) => Math.floor(ms / 1000);

describe('a token request', () => {
  it('is answered with a token of an hour for this API server', async () => {
    const { client, clock, account, keys } = await startTokens();
    const { kind, apiVersion, metadata, spec, status } = await request(client);
    assert.deepEqual([kind, apiVersion], ['TokenRequest', 'authentication.k8s.io/v1']);
    assert.equal(metadata?.name, 'robot');
    assert.equal(metadata?.uid, account.metadata.uid);
    assert.deepEqual(spec, { audiences: [ISSUER], expirationSeconds: 3600, boundObjectRef: null });
    assert.equal(Date.parse(status.expirationTimestamp), seconds(clock.now()) * 1000 + 3_600_000);
    assert.deepEqual(partOf(status.token, 0), { alg: 'ES256', kid: keys.signing.id });
    const now = seconds(clock.now());
    const { jti, ...claims } = partOf(status.token, 1);
    assert.match(String(jti), /^[0-9a-f-]{36}$/);
    assert.deepEqual(claims, {
      aud: [ISSUER],
      exp: now + 3600,
      iat: now,
      iss: ISSUER,
      'kubernetes.io': {
        namespace: 'default',
        serviceaccount: { name: 'robot', uid: account.metadata.uid },
      },
      nbf: now,
      sub: 'system:serviceaccount:default:robot',
    });
  });

  it('binds to a pod, and tells the node that it is on', async () => {
    const { client } = await startTokens();
    const node = await client.create(nodes, { metadata: { name: 'node-1' } });
    const pod = await createPod(client, { nodeName: 'node-1' });
    const boundObjectRef = { apiVersion: 'v1', kind: 'Pod', name: 'p', uid: pod.metadata.uid };
    const { status } = await request(client, { boundObjectRef });
    const { pod: podClaim, node: nodeClaim } = partOf(status.token, 1)['kubernetes.io'] as Record<
      string,
      unknown
    >;
    assert.deepEqual(podClaim, { name: 'p', uid: pod.metadata.uid });
    assert.deepEqual(nodeClaim, { name: 'node-1', uid: node.metadata.uid });
  });

  it('names a node that is not registered', async () => {
    const { client } = await startTokens();
    await createPod(client, { nodeName: 'ghost' });
    const { status } = await request(client, {
      boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: 'p' },
    });
    assert.deepEqual((partOf(status.token, 1)['kubernetes.io'] as { node: object }).node, { name: 'ghost' });
  });

  it('lets the token that admission asks for live a year, and warns after the hour', async () => {
    const { client, clock } = await startTokens();
    await createPod(client);
    const boundObjectRef = { apiVersion: 'v1', kind: 'Pod', name: 'p' };
    const cases: [object, number, boolean][] = [
      [{ boundObjectRef, expirationSeconds: 3607 }, 365 * 86400, true],
      [{ boundObjectRef, expirationSeconds: 3600 }, 3600, false],
      [{ boundObjectRef, expirationSeconds: 3607, audiences: ['vault'] }, 3607, false],
      [{ expirationSeconds: 3607 }, 3607, false],
    ];
    for (const [spec, lives, warns] of cases) {
      const { status, spec: answered } = await request(client, spec);
      const claims = partOf(status.token, 1) as { exp: number; 'kubernetes.io': { warnafter?: number } };
      assert.equal(claims.exp - seconds(clock.now()), lives);
      assert.equal(claims['kubernetes.io'].warnafter, warns ? seconds(clock.now()) + 3607 : undefined);
      // The kubelet is to renew it all the same.
      assert.equal(
        Date.parse(status.expirationTimestamp) / 1000 - seconds(clock.now()),
        answered!.expirationSeconds,
      );
    }
  });

  it('binds to a secret or a node', async () => {
    const { client } = await startTokens();
    const secret = await client.create(secrets, { metadata: { namespace: 'default', name: 's' } });
    const node = await client.create(nodes, { metadata: { name: 'node-1' } });
    const claim = async (kind: string, name: string) => {
      const { status } = await request(client, { boundObjectRef: { apiVersion: 'v1', kind, name } });
      return (partOf(status.token, 1)['kubernetes.io'] as Record<string, unknown>)[kind.toLowerCase()];
    };
    assert.deepEqual(await claim('Secret', 's'), { name: 's', uid: secret.metadata.uid });
    assert.deepEqual(await claim('Node', 'node-1'), { name: 'node-1', uid: node.metadata.uid });
  });

  describe('is refused', () => {
    const bound = (apiVersion: string, kind: string, name: string, uid?: string) => ({
      boundObjectRef: { apiVersion, kind, name, uid },
    });
    const cases: [string, object, object | undefined, string, number, RegExp][] = [
      ['no such account', {}, undefined, 'nobody', 404, /^serviceaccounts "nobody" not found$/],
      [
        'short',
        { expirationSeconds: 599 },
        undefined,
        'robot',
        422,
        /^TokenRequest\.authentication\.k8s\.io "" is invalid: spec\.expirationSeconds: Invalid value: 599: may not specify a duration less than 10 minutes$/,
      ],
      [
        'long',
        { expirationSeconds: 2 ** 32 + 1 },
        undefined,
        'robot',
        422,
        /Invalid value: 4294967297: may not specify a duration larger than 2\^32 seconds$/,
      ],
      [
        'another account’s uid',
        {},
        { uid: 'u' },
        'robot',
        409,
        /^Operation cannot be fulfilled on TokenRequest\.authentication\.k8s\.io "robot": the UID in the token request \(u\) does not match the UID of the service account \(/,
      ],
      [
        'another account’s name',
        {},
        { name: 'u' },
        'robot',
        422,
        /"robot" is invalid: metadata\.name: Invalid value: "u": must match the service account name if specified$/,
      ],
      ['no such pod', bound('v1', 'Pod', 'x'), undefined, 'robot', 404, /^pods "x" not found$/],
      [
        'a pod of another account',
        bound('v1', 'Pod', 'p'),
        undefined,
        'other',
        400,
        /^cannot bind token for serviceaccount "other" to pod running with different serviceaccount name\.$/,
      ],
      [
        'a pod that was there before',
        bound('v1', 'Pod', 'p', 'old'),
        undefined,
        'robot',
        409,
        /on Pod "p": the UID in the bound object reference \(old\) does not match the UID in record\. The object might have been deleted and then recreated$/,
      ],
      [
        'another kind',
        bound('apps/v1', 'Foo', 'x'),
        undefined,
        'robot',
        400,
        /^cannot bind token to object of type apps\/v1, Kind=Foo$/,
      ],
    ];
    for (const [why, spec, metadata, name, code, message] of cases)
      it(why, async () => {
        const { client } = await startTokens();
        await createPod(client);
        await client.create(serviceAccounts, { metadata: { namespace: 'default', name: 'other' } });
        await assert.rejects(request(client, spec, metadata, name), (error: StatusError) => {
          assert.match(error.message, message);
          return error.code === code;
        });
      });
  });
});
