import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { userOfCertificate } from './authenticate.ts';
import { type Attributes, authorize } from './authorize.ts';

const alice = { name: 'alice', groups: ['system:authenticated'] };
const pods = { verb: 'list', group: '', version: 'v1', resource: 'pods' };

describe('authorize', () => {
  it('lets system:masters do everything', () => {
    assert.equal(
      authorize({ name: 'root', groups: ['system:masters'] }, { ...pods, verb: 'delete' }),
      undefined,
    );
  });

  it('lets everybody read health and version', () => {
    for (const path of ['/healthz', '/livez', '/readyz', '/version'])
      assert.equal(authorize(alice, { verb: 'get', path }), undefined);
  });

  const cases: [Attributes, string][] = [
    [
      { ...pods, namespace: 'default' },
      'pods is forbidden: User "alice" cannot list resource "pods" in API group "" in the namespace "default"',
    ],
    [
      { ...pods, verb: 'update', namespace: 'x', name: 'p', subresource: 'status' },
      'pods "p" is forbidden: User "alice" cannot update resource "pods/status" in API group "" in the namespace "x"',
    ],
    [
      { verb: 'get', group: 'storage.k8s.io', version: 'v1', resource: 'storageclasses', name: 'fast' },
      'storageclasses.storage.k8s.io "fast" is forbidden: User "alice" cannot get resource "storageclasses" in API group "storage.k8s.io" at the cluster scope',
    ],
    [{ verb: 'get', path: '/openapi/v2' }, 'forbidden: User "alice" cannot get path "/openapi/v2"'],
  ];
  for (const [attributes, message] of cases)
    it(`refuses with 403: ${message}`, () => {
      const refusal = authorize(alice, attributes);
      assert.equal(refusal?.message, message);
      assert.equal(refusal?.code, 403);
    });
});

describe('userOfCertificate', () => {
  it('reads CN as the name and O as groups', () => {
    assert.deepEqual(userOfCertificate({ CN: 'bob', O: ['a', 'b'] }), {
      name: 'bob',
      groups: ['a', 'b', 'system:authenticated'],
    });
    assert.deepEqual(userOfCertificate({ CN: 'bob', O: 'a' })?.groups, ['a', 'system:authenticated']);
  });
  it('knows nobody without a name', () => {
    assert.equal(userOfCertificate({ O: 'a' }), undefined);
    assert.equal(userOfCertificate(undefined), undefined);
  });
});
