import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type StatusError, secrets, serviceAccounts } from '../../../kube/index.ts';
import { startTokens } from './test-support.ts';

describe('the kinds of service accounts', () => {
  it('an account names secrets, and tells nothing else of them', async () => {
    const { client } = await startTokens();
    const account = await client.create(serviceAccounts, {
      metadata: { namespace: 'default', name: 'a' },
      secrets: [{ name: 's', namespace: 'elsewhere', kind: 'Secret' }],
    });
    assert.deepEqual(account.secrets, [{ name: 's' }]);
    const updated = await client.update(serviceAccounts, { ...account, secrets: [{ name: 't', uid: 'u' }] });
    assert.deepEqual(updated.secrets, [{ name: 't' }]);
  });

  it('a token secret must name its account', async () => {
    const { client } = await startTokens();
    const secret = {
      metadata: { namespace: 'default', name: 's' },
      type: 'kubernetes.io/service-account-token',
    };
    await assert.rejects(client.create(secrets, secret), (error: StatusError) => {
      assert.equal(
        error.message,
        'Secret "s" is invalid: metadata.annotations[kubernetes.io/service-account.name]: Required value',
      );
      return error.code === 422;
    });
    const annotations = { 'kubernetes.io/service-account.name': 'robot' };
    const named = { ...secret, metadata: { ...secret.metadata, annotations } };
    assert.ok(await client.create(secrets, named));
  });
});
