import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { userOfCertificate } from './authenticate.ts';

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
