import assert from 'node:assert/strict';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { nodes, type Pod, pods } from '../../kube/index.ts';
import { nodeEndpoint } from './ask-node.ts';
import { chooseContainer, logOptionCauses } from './pod-log.ts';
import { startTestServer, type TestServer } from './test-server.ts';

const podOf = (...names: string[]): Pod => ({
  metadata: { name: 'p' },
  spec: { containers: names.map((name) => ({ name })) },
});

describe('chooseContainer', () => {
  it('takes the only one, or the one asked for', () => {
    assert.equal(chooseContainer(podOf('a'), ''), 'a');
    assert.equal(chooseContainer(podOf('a', 'b'), 'b'), 'b');
  });
  it('wants a name when there are several', () => {
    assert.throws(() => chooseContainer(podOf('a', 'b'), ''), {
      code: 400,
      message: 'a container name must be specified for pod p, choose one of: [a b]',
    });
  });
  it('refuses a name that is not there', () => {
    assert.throws(() => chooseContainer(podOf('a'), 'z'), { message: 'container z is not valid for pod p' });
  });
});

describe('logOptionCauses', () => {
  it('refuses what upstream refuses', () => {
    const causes = (text: string) => logOptionCauses(new URLSearchParams(text)).map((cause) => cause.field);
    assert.deepEqual(causes('tailLines=-1'), ['tailLines']);
    assert.deepEqual(causes('limitBytes=0&sinceSeconds=0'), ['limitBytes', 'sinceSeconds']);
    assert.deepEqual(causes('tailLines=0&follow=true'), []);
  });
});

describe('nodeEndpoint', () => {
  it('says which addresses it knows when none fits', () => {
    assert.throws(() => nodeEndpoint({ metadata: { name: 'n' }, status: { addresses: [] } }), {
      code: 500,
      message: 'Internal error occurred: no preferred addresses found; known addresses: []',
    });
  });
});

describe('GET pods/log', () => {
  let api: TestServer;
  let seen: { url: string | undefined; user: unknown }[] = [];
  let kubelet: ReturnType<typeof createServer>;

  before(async () => {
    api = await startTestServer();
    const identity = await api.pki.issue({
      commonName: 'system:node:node-1',
      organizations: ['system:nodes'],
      addresses: ['127.0.0.1'],
      usages: ['server'],
    });
    kubelet = createServer(
      { ...identity, ca: api.pki.ca, requestCert: true, rejectUnauthorized: true },
      (request, response) => {
        seen.push({
          url: request.url,
          user: (
            request.socket as never as { getPeerCertificate(): { subject: object } }
          ).getPeerCertificate().subject,
        });
        if (request.url?.includes('/waiting')) {
          response
            .writeHead(400)
            .end('container "waiting" in pod "p" is waiting to start: ContainerCreating');
          return;
        }
        response.write('one\n');
        response.end('two\n');
      },
    );
    await new Promise<void>((resolve) => kubelet.listen(0, '127.0.0.1', resolve));
    const node = await api.client.create(nodes, { metadata: { name: 'node-1' } });
    const status = {
      addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
      daemonEndpoints: { kubeletEndpoint: { Port: (kubelet.address() as AddressInfo).port } },
    };
    await api.client.update(nodes, { ...node, status }, { subresource: 'status' });
    await api.client.create(pods, {
      metadata: { name: 'p', namespace: 'default' },
      spec: {
        nodeName: 'node-1',
        containers: [
          { name: 'a', image: 'x' },
          { name: 'waiting', image: 'x' },
        ],
      },
    });
    await api.client.create(pods, {
      metadata: { name: 'unscheduled', namespace: 'default' },
      spec: { containers: [{ name: 'a', image: 'x' }] },
    });
  });
  after(async () => {
    await api?.close();
    await new Promise((resolve) => kubelet.close(resolve));
  });

  const log = (pod: string, query: string) =>
    api.fetch(`/api/v1/namespaces/default/pods/${pod}/log?${query}`);

  it("passes the node's answer through, asking as the API server", async () => {
    seen = [];
    const answer = await log('p', 'container=a&tailLines=5&follow=true');
    assert.equal(answer.code, 200);
    assert.equal(answer.headers['content-type'], 'text/plain');
    assert.equal(answer.body.toString(), 'one\ntwo\n');
    assert.equal(seen[0]?.url, '/containerLogs/default/p/a?follow=true&tailLines=5');
    assert.deepEqual(
      { ...(seen[0]?.user as object) },
      {
        O: 'system:masters',
        CN: 'kube-apiserver-kubelet-client',
      },
    );
  });
  it("gives the node's refusal to the client", async () => {
    const answer = await log('p', 'container=waiting');
    assert.equal(answer.code, 400);
    assert.equal(
      answer.json().message,
      'container "waiting" in pod "p" is waiting to start: ContainerCreating',
    );
  });
  it('is empty before the pod is on a node', async () => {
    const answer = await log('unscheduled', '');
    assert.equal(answer.code, 200);
    assert.equal(answer.body.length, 0);
  });
  it('is 404 for a pod that is not there', async () => {
    assert.equal((await log('none', '')).code, 404);
  });
});
