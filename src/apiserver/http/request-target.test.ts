import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseTarget } from './request-target.ts';

describe('parseTarget', () => {
  const at = (
    verb: string,
    group: string,
    resource: string,
    namespace = '',
    name = '',
    subresource = '',
  ) => ({
    verb,
    group,
    version: 'v1',
    resource,
    namespace,
    name,
    subresource,
  });
  const cases: [string, string, boolean, object][] = [
    ['GET', '/api/v1/pods', false, at('list', '', 'pods')],
    ['GET', '/api/v1/pods', true, at('watch', '', 'pods')],
    ['POST', '/api/v1/namespaces/ns/pods', false, at('create', '', 'pods', 'ns')],
    ['GET', '/api/v1/namespaces/ns/pods/p', false, at('get', '', 'pods', 'ns', 'p')],
    ['HEAD', '/api/v1/namespaces/ns/pods/p', false, at('get', '', 'pods', 'ns', 'p')],
    ['GET', '/api/v1/namespaces/ns/pods/p/log', false, at('get', '', 'pods', 'ns', 'p', 'log')],
    ['DELETE', '/api/v1/namespaces/ns/pods', false, at('deletecollection', '', 'pods', 'ns')],
    ['GET', '/api/v1/namespaces', false, at('list', '', 'namespaces')],
    ['GET', '/api/v1/namespaces/ns', false, at('get', '', 'namespaces', 'ns', 'ns')],
    ['PUT', '/api/v1/namespaces/ns/finalize', false, at('update', '', 'namespaces', 'ns', 'ns', 'finalize')],
    [
      'PATCH',
      '/apis/storage.k8s.io/v1/storageclasses/a%2Fb',
      false,
      at('patch', 'storage.k8s.io', 'storageclasses', '', 'a/b'),
    ],
    [
      'GET',
      '/api/v1/nodes/proxy-1/proxy/a%2Fb/c/',
      false,
      { ...at('get', '', 'nodes', '', 'proxy-1', 'proxy'), rest: 'a%2Fb/c/' },
    ],
    ['GET', '/api/v1/nodes/n/proxy', false, { ...at('get', '', 'nodes', '', 'n', 'proxy'), rest: '' }],
    [
      'GET',
      '/api/v1/namespaces/ns/pods/p/proxy/x',
      false,
      { verb: 'get', path: '/api/v1/namespaces/ns/pods/p/proxy/x' },
    ],
    ['GET', '/apis/apps/v1', false, { verb: 'get', path: '/apis/apps/v1' }],
    ['GET', '/healthz', false, { verb: 'get', path: '/healthz' }],
    ['OPTIONS', '/api/v1/pods', false, at('', '', 'pods')],
  ];
  for (const [method, path, watch, expected] of cases)
    it(`${method} ${path}${watch ? '?watch' : ''}`, () =>
      assert.deepEqual(parseTarget(method, path, watch), expected));
});
