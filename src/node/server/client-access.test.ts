import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FakeClock } from '../../base/index.ts';
import type { Client } from '../../client/index.ts';
import { ClientAccess, type ClientSubject, userOfCertificate } from './client-access.ts';
import { requestAttributes } from './request-attributes.ts';

interface ReviewSpec {
  readonly token?: string;
  readonly user?: string;
  readonly resourceAttributes: Readonly<Record<string, string>>;
}

/** An API server that lets `jane` do some things, and knows one token. */
function start(allowed: readonly string[] = []) {
  const asked: string[] = [];
  const client = {
    async create(resource: { kind: string }, { spec }: { spec: ReviewSpec }) {
      if (resource.kind === 'TokenReview') {
        asked.push('token');
        const user = { username: 'bot', uid: '1', groups: ['bots'] };
        return { status: spec.token === 'good' ? { authenticated: true, user } : {} };
      }
      const { verb, resource: of, subresource, name } = spec.resourceAttributes;
      asked.push(`${spec.user} ${verb} ${of}/${subresource} ${name}`);
      return { status: { allowed: allowed.includes(subresource!) } };
    },
  } as unknown as Client;
  const clock = new FakeClock();
  return { access: new ClientAccess({ client, clock, nodeName: 'n' }), asked, clock };
}

describe('what a request to a node asks', () => {
  const cases: [string, string, string, string[]][] = [
    ['GET', '/pods', 'get', ['pods', 'proxy']],
    ['GET', '/runningpods/', 'get', ['pods', 'proxy']],
    ['GET', '/podsy', 'get', ['proxy']],
    ['GET', '/stats/summary', 'get', ['stats']],
    ['GET', '/metrics', 'get', ['metrics']],
    ['GET', '/metrics/cadvisor', 'get', ['metrics']],
    ['GET', '/logs/x', 'get', ['log']],
    ['GET', '/healthz', 'get', ['healthz', 'proxy']],
    ['GET', '/containerLogs/a/b/c', 'get', ['proxy']],
    ['POST', '/exec/a/b/c', 'create', ['proxy']],
  ];
  for (const [method, path, verb, subresources] of cases)
    it(`${method} ${path}`, () => assert.deepEqual(requestAttributes(method, path), { verb, subresources }));
});

describe('who may ask a node', () => {
  const stats = requestAttributes('GET', '/stats/summary');
  const pods = requestAttributes('GET', '/pods');
  const user = (subject: ClientSubject) => userOfCertificate(subject);

  it('the API server, which is not asked about itself', async () => {
    const { access, asked } = start();
    const server = user({ CN: 'kube-apiserver-kubelet-client', O: ['team', 'system:masters'] });
    assert.equal(await access.refusal(server, pods), undefined);
    assert.deepEqual(asked, []);
  });

  it('who may one of what the path is', async () => {
    const { access, asked } = start(['proxy']);
    assert.equal(await access.refusal(user({ CN: 'jane', O: 'team' }), pods), undefined);
    assert.deepEqual(asked, ['jane get nodes/pods n', 'jane get nodes/proxy n']);
  });

  it('nobody else, not even by the name of a group', async () => {
    const { access } = start(['metrics']);
    assert.equal(
      await access.refusal(user({ CN: 'system:masters' }), pods),
      'Forbidden (user=system:masters, verb=get, resource=nodes, subresource(s)=[pods proxy])',
    );
    assert.equal(
      await access.refusal(user({}), stats),
      'Forbidden (user=, verb=get, resource=nodes, subresource(s)=[stats])',
    );
  });

  it('is asked again after five minutes when he may, after half a minute when he may not', async () => {
    const { access, asked, clock } = start(['stats']);
    const jane = user({ CN: 'jane' });
    const look = async () => {
      await access.refusal(jane, stats);
      await access.refusal(jane, requestAttributes('GET', '/metrics'));
      return asked.splice(0).length;
    };
    assert.equal(await look(), 2);
    assert.equal(await look(), 0);
    await clock.advance(30_001);
    assert.equal(await look(), 1);
    await clock.advance(270_000);
    assert.equal(await look(), 2);
  });

  it('whose token the API server knows, for two minutes', async () => {
    const { access, asked, clock } = start();
    for (let again = 0; again < 2; again++)
      assert.deepEqual(await access.userOfToken('good'), { name: 'bot', uid: '1', groups: ['bots'] });
    assert.equal(await access.userOfToken('bad'), undefined);
    assert.deepEqual(asked, ['token', 'token']);
    await clock.advance(120_001);
    await access.userOfToken('good');
    assert.equal(asked.length, 3);
  });
});
