import assert from 'node:assert/strict';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { nodes } from '../../../kube/index.ts';
import { startTestServer, type TestServer } from '../test-server.ts';

interface Seen {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly by: unknown;
  readonly headers: Record<string, unknown>;
  readonly body: string;
}

describe('nodes/proxy', { timeout: 60_000 }, () => {
  let api: TestServer;
  let port: number;
  const seen: Seen[] = [];
  let kubelet: ReturnType<typeof createServer>;
  before(async () => {
    api = await startTestServer();
    const { cert, key } = await api.pki.issue({
      commonName: 'system:node:node-1',
      organizations: ['system:nodes'],
      addresses: ['127.0.0.1'],
      usages: ['server'],
    });
    const tls = { cert, key, ca: api.pki.ca, requestCert: true, rejectUnauthorized: true };
    kubelet = createServer(tls, (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const { method, url, headers } = request;
        const by = (request.socket as TLSSocket).getPeerCertificate().subject.CN;
        seen.push({ method, url, by, headers, body: Buffer.concat(chunks).toString() });
        response.writeHead(url === '/gone' ? 410 : 200, { 'X-From': 'node', 'Content-Type': 'text/plain' });
        response.end('told');
      });
    });
    await new Promise<void>((resolve) => kubelet.listen(0, '127.0.0.1', resolve));
    port = (kubelet.address() as AddressInfo).port;
    await api.client.create(nodes, { metadata: { name: 'node-1' } });
    const status = {
      addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
      daemonEndpoints: { kubeletEndpoint: { Port: port } },
    };
    const patch = { type: 'merge', body: { status } } as const;
    await api.client.patch(nodes, { name: 'node-1' }, patch, { subresource: 'status' });
  });
  after(async () => {
    await api?.close();
    await new Promise((resolve) => kubelet?.close(resolve));
  });
  const at = (path: string, node = 'node-1') => `/api/v1/nodes/${node}/proxy${path}`;

  it('asks the node as the API server, and passes its answer through', async () => {
    const answer = await api.fetch(at('/stats/summary?only=x'), { headers: { 'X-Mine': '1' } });
    assert.equal(answer.code, 200);
    assert.equal(answer.headers['x-from'], 'node');
    assert.equal(answer.body.toString(), 'told');
    const { method, url, by, headers } = seen.at(-1)!;
    assert.deepEqual(
      [method, url, by, headers['x-mine']],
      ['GET', '/stats/summary?only=x', 'kube-apiserver-kubelet-client', '1'],
    );
  });

  it('passes any method with its body, and a refusal as it is', async () => {
    await api.fetch(at('/run/ns/pod/c'), { method: 'POST', body: 'cmd=date' });
    const { method, url, body } = seen.at(-1)!;
    assert.deepEqual([method, url, body], ['POST', '/run/ns/pod/c', 'cmd=date']);
    const gone = await api.fetch(at('/gone'));
    assert.deepEqual([gone.code, gone.body.toString()], [410, 'told']);
  });

  it('takes the port of the node itself and no other', async () => {
    assert.equal((await api.fetch(at('/a', `node-1:${port}`))).code, 200);
    assert.equal((await api.fetch(at('/a', `https:node-1:${port}`))).code, 200);
    const other = await api.fetch(at('/a', `node-1:${port === 1 ? 2 : 1}`));
    assert.deepEqual([other.code, other.json().message], [400, 'address not allowed']);
    assert.equal((await api.fetch(at('/a', 'node-2'))).code, 404);
  });

  it('is for those who may, by the verb of their method', async () => {
    const jane = await api.pki.issue({ commonName: 'jane', organizations: ['dev'], usages: ['client'] });
    const refused = await api.fetch(at('/metrics'), { as: jane, method: 'POST' });
    assert.equal(refused.code, 403);
    assert.match(
      refused.json().message,
      /^nodes "node-1" is forbidden: User "jane" cannot create resource "nodes\/proxy" in API group "" at the cluster scope/,
    );
  });

  it('is told in discovery', async () => {
    const { resources } = (await api.fetch('/api/v1')).json<{
      resources: { name: string; kind: string; verbs: string[] }[];
    }>();
    const proxy = resources.find(({ name }) => name === 'nodes/proxy');
    assert.equal(proxy?.kind, 'NodeProxyOptions');
    assert.deepEqual(proxy?.verbs, ['create', 'delete', 'get', 'patch', 'update']);
  });
});
