import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { configMaps, namespaces, type Secret, secrets, serviceAccounts } from '../../kube/index.ts';
import { startStack } from '../../testing/component-stack.ts';
import { createRootCaPublisher, createServiceAccountsController, createTokensController } from './index.ts';
import { accountOf, belongsTo, filled, lacks } from './token-secret.ts';

const CA = '-----BEGIN CERTIFICATE-----\n';
const base64 = (text: string) => Buffer.from(text).toString('base64');

async function start(test: TestContext) {
  const stack = await startStack(test, { watch: [serviceAccounts, configMaps, secrets, namespaces] });
  const { context } = stack;
  const accounts = context.informers.of(serviceAccounts);
  const maps = context.informers.of(configMaps);
  const secretInformer = context.informers.of(secrets);
  return { ...stack, context, accounts, maps, secrets: secretInformer };
}

describe('the default account', () => {
  it('is there in every namespace, and comes back', async (test) => {
    const { client, context, accounts, run, until } = await start(test);
    run(createServiceAccountsController(context));
    await until('the accounts of the system’s namespaces', () => accounts.size === 4);
    await client.create(namespaces, { metadata: { name: 'new' } });
    const first = await until('the account', () => accounts.get('default', 'new'));
    await client.delete(serviceAccounts, { namespace: 'new', name: 'default' });
    await until('another one', () => {
      const now = accounts.get('default', 'new');
      return now && now.metadata.uid !== first.metadata.uid;
    });
  });

  it('is not made in a namespace that is going', async (test) => {
    const { client, context, accounts, run, until } = await start(test);
    await client.create(namespaces, { metadata: { name: 'going' } });
    await client.delete(namespaces, { name: 'going' });
    run(createServiceAccountsController(context));
    await until('the others', () => accounts.size === 4);
    await client.create(namespaces, { metadata: { name: 'later' } });
    await until('one more', () => accounts.get('default', 'later'));
    assert.equal(accounts.get('default', 'going'), undefined);
  });
});

describe('the root certificate', () => {
  it('is published in every namespace, and mended', async (test) => {
    const { client, context, maps, run, until } = await start(test);
    run(createRootCaPublisher(context, CA));
    const map = await until('the map', () => maps.get('kube-root-ca.crt', 'default'));
    assert.deepEqual(map.data, { 'ca.crt': CA });
    assert.match(map.metadata.annotations?.['kubernetes.io/description'] ?? '', /^Contains a CA bundle/);
    await client.update(configMaps, { ...map, data: { 'ca.crt': 'forged', more: '' } });
    await until('it is as it was', () => {
      const now = maps.get('kube-root-ca.crt', 'default');
      return (
        now?.metadata.resourceVersion !== map.metadata.resourceVersion &&
        now?.data?.['ca.crt'] === CA &&
        now.data.more === undefined
      );
    });
    await client.delete(configMaps, { namespace: 'default', name: 'kube-root-ca.crt' });
    await until('it is back', () => maps.get('kube-root-ca.crt', 'default'));
  });
});

describe('token secrets', () => {
  const secretOf = (name: string, account: string, more: Partial<Secret> = {}) => ({
    metadata: {
      namespace: 'default',
      name,
      annotations: { 'kubernetes.io/service-account.name': account },
    },
    type: 'kubernetes.io/service-account-token',
    ...more,
  });
  async function startTokens(test: TestContext) {
    const fixture = await start(test);
    const account = await fixture.client.create(serviceAccounts, {
      metadata: { namespace: 'default', name: 'robot' },
    });
    let signed = 0;
    const sign = async () => `token-${++signed}`;
    fixture.run(createTokensController(fixture.context, { rootCa: CA, sign }));
    return { ...fixture, account };
  }

  it('get token, namespace, certificate and the uid of the account', async (test) => {
    const { client, secrets: informer, until, account } = await startTokens(test);
    await client.create(secrets, secretOf('t', 'robot'));
    const { data, metadata } = await until('the token', () => {
      const now = informer.get('t', 'default');
      return now?.data?.token ? now : undefined;
    });
    assert.deepEqual(data, { token: base64('token-1'), namespace: base64('default'), 'ca.crt': base64(CA) });
    assert.equal(metadata.annotations?.['kubernetes.io/service-account.uid'], account.metadata.uid);
    const { resourceVersion } = await client
      .get(secrets, { namespace: 'default', name: 't' })
      .then((s) => s.metadata);
    assert.equal(resourceVersion, metadata.resourceVersion, 'written once');
  });

  it('go with their account, and with one that never was', async (test) => {
    const { client, secrets: informer, until } = await startTokens(test);
    await client.create(secrets, secretOf('t', 'robot'));
    await client.create(secrets, { metadata: { namespace: 'default', name: 'other' } });
    await client.create(secrets, secretOf('orphan', 'nobody'));
    await until('the token', () => informer.get('t', 'default')?.data?.token);
    await until('no orphan', () => !informer.get('orphan', 'default'));
    await client.delete(serviceAccounts, { namespace: 'default', name: 'robot' });
    await until('no token', () => !informer.get('t', 'default'));
    assert.ok(informer.get('other', 'default'));
  });

  it('that go are not named by their account any more', async (test) => {
    const { client, secrets: informer, accounts, until, account } = await startTokens(test);
    await client.create(secrets, secretOf('t', 'robot'));
    await until('the token', () => informer.get('t', 'default')?.data?.token);
    await client.update(serviceAccounts, { ...account, secrets: [{ name: 't' }, { name: 'else' }] });
    await until('the names', () => accounts.get('robot', 'default')?.secrets?.length === 2);
    await client.delete(secrets, { namespace: 'default', name: 't' });
    await until('one name', () => accounts.get('robot', 'default')?.secrets?.length === 1);
  });

  it('belong to the account of their name, and uid if they have one', () => {
    const secret = secretOf('t', 'robot');
    const old = {
      ...secret,
      metadata: {
        annotations: { ...secret.metadata.annotations, 'kubernetes.io/service-account.uid': 'old' },
      },
    };
    assert.equal(belongsTo(secret, { name: 'robot', uid: 'new' }), true);
    assert.equal(belongsTo(secret, { name: 'other', uid: 'new' }), false);
    assert.equal(belongsTo(old, { name: 'robot', uid: 'new' }), false);
    assert.equal(belongsTo({ ...secret, type: 'Opaque' }, { name: 'robot', uid: 'new' }), false);
    assert.deepEqual(accountOf(old), { name: 'robot', uid: 'old' });
  });

  it('keep a token that they have, and get the certificate of today', () => {
    const secret = {
      ...secretOf('t', 'robot'),
      data: { token: 'eA==', namespace: 'eQ==', 'ca.crt': base64('old') },
    };
    assert.deepEqual(lacks(secret, CA), { token: false, any: true });
    const account = { metadata: { name: 'robot', uid: 'u' } } as never;
    const { data } = filled(secret as never, account, CA, undefined);
    assert.deepEqual(data, { token: 'eA==', namespace: 'eQ==', 'ca.crt': base64(CA) });
    assert.deepEqual(lacks({ data }, CA), { token: false, any: false });
  });
});
