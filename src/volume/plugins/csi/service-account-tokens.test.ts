import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { openSigningKeys, serveServiceAccounts } from '../../../apiserver/auth/service-account/index.ts';
import { createLocalClient, createRegistry, openStore } from '../../../apiserver/index.ts';
import { FakeClock, seededRandom } from '../../../base/index.ts';
import { type CSIDriver, pods, serviceAccounts } from '../../../kube/index.ts';
import { TransientOperationFailure } from '../../operation-error.ts';
import { TokenCache } from '../../payloads/index.ts';
import { serviceAccountTokens } from './service-account-tokens.ts';

const namespace = 'default';
const KEY = 'csi.storage.k8s.io/serviceAccount.tokens';

async function start() {
  const common = { clock: new FakeClock(), random: seededRandom(1) };
  const registry = await createRegistry({ store: await openStore({ memory: true }), ...common });
  const tokens = serveServiceAccounts({ registry, keys: await openSigningKeys(), ...common });
  const client = createLocalClient(registry);
  await client.create(serviceAccounts, { metadata: { namespace, name: 'robot' } });
  const pod = await client.create(pods, {
    metadata: { namespace, name: 'p' },
    spec: { containers: [{ name: 'c', image: 'i' }], serviceAccountName: 'robot' },
  });
  const cache = new TokenCache({ client, clock: common.clock });
  const ask = async (tokenRequests?: CSIDriver['spec']['tokenRequests']) => {
    const found = await serviceAccountTokens(
      cache,
      { spec: { tokenRequests } },
      pod,
      new AbortController().signal,
    );
    return found[KEY] && (JSON.parse(found[KEY]) as Record<string, { token: string }>);
  };
  return { ...common, client, tokens, ask };
}

describe('the tokens that a CSI driver asks for', () => {
  it('are none if it asks for none', async () => {
    const { ask } = await start();
    assert.equal(await ask(), undefined);
    assert.equal(await ask([]), undefined);
  });

  it('are one for each audience, of the pod’s account, and the same until they are due', async () => {
    const { ask, tokens, clock } = await start();
    const requests = [{ audience: 'vault', expirationSeconds: 600 }, { audience: '' }];
    const first = await ask(requests);
    assert.ok(first);
    assert.deepEqual(Object.keys(first), ['', 'vault']);
    assert.deepEqual(Object.keys(first.vault!), ['token', 'expirationTimestamp']);
    const found = await tokens.authenticate(first.vault!.token, ['vault']);
    assert.equal(found?.user.name, 'system:serviceaccount:default:robot');
    assert.deepEqual(await ask(requests), first);
    await clock.advance(481_000);
    const second = await ask(requests);
    assert.ok(second);
    assert.notEqual(second.vault!.token, first.vault!.token);
    assert.equal(second['']!.token, first['']!.token);
  });

  it('are a reason to try again when they cannot be had', async () => {
    const { ask, client } = await start();
    await client.delete(serviceAccounts, { namespace, name: 'robot' });
    await assert.rejects(ask([{ audience: 'vault' }]), (error: Error) => {
      assert.ok(error instanceof TransientOperationFailure);
      assert.equal(
        error.message,
        'kubernetes.io/csi: mounter.SetUpAt failed to get service accoount token attributes: failed to fetch token: serviceaccounts "robot" not found',
      );
      return true;
    });
  });
});
