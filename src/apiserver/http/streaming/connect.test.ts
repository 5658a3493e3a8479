import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Pod, Stored } from '../../../kube/index.ts';
import { kubeletPath } from './connect.ts';
import { isConnectPath } from './upgrades.ts';

const pod = (nodeName?: string) =>
  ({
    metadata: { name: 'p', namespace: 'n' },
    spec: { nodeName, containers: [{ name: 'a' }, { name: 'b' }] },
  }) as unknown as Stored<Pod>;
const path = (subresource: string, query: string, of = pod('node-1')) =>
  kubeletPath(of, subresource, new URLSearchParams(query));

describe('what a node is asked for a stream', () => {
  const cases: [string, string, string][] = [
    [
      'exec',
      'container=b&stdin=true&stdout=true&tty=false&command=sh&command=-c',
      '/exec/n/p/b?input=1&output=1&command=sh&command=-c',
    ],
    ['attach', 'container=a&stderr=true&tty=1', '/attach/n/p/a?error=1&tty=1'],
    ['portforward', '', '/portForward/n/p'],
    ['portforward', 'ports=80&ports=81,82', '/portForward/n/p?port=80%2C81%2C82'],
  ];
  for (const [subresource, query, expected] of cases)
    it(`${subresource}?${query}`, () => assert.equal(path(subresource, query), expected));
  it('is nothing without a container, a node or a port', () => {
    assert.throws(
      () => path('exec', ''),
      /a container name must be specified for pod p, choose one of: \[a b\]/,
    );
    assert.throws(() => path('exec', 'container=z'), /container z is not valid for pod p/);
    assert.throws(() => path('exec', 'container=a', pod()), /pod p does not have a host assigned/);
    assert.throws(() => path('portforward', 'ports=x'), /invalid syntax/);
  });
});

it('only streams become another protocol', () => {
  assert.ok(isConnectPath('/api/v1/namespaces/n/pods/p/exec?command=ls'));
  assert.ok(!isConnectPath('/api/v1/pods?x=/exec'));
  assert.ok(!isConnectPath('/api/v1/namespaces/n/pods/p/log'));
});
