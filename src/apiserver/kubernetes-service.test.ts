import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { silentLogger } from '../base/index.ts';
import { services } from '../kube/index.ts';
import { createKubernetesService, publishKubernetesService } from './kubernetes-service.ts';
import { startRegistry } from './registry/testing.ts';

const NAME = { namespace: 'default', name: 'kubernetes' };

describe('the service kubernetes', () => {
  it('is where the server listens, also when it listens elsewhere after a restart', async () => {
    const { registry, client } = await startRegistry();
    const publish = (host: string, port: number) => publishKubernetesService(registry, { host, port });
    const told = async () => {
      const { spec } = await client.get(services, NAME);
      return [
        spec?.type,
        spec?.clusterIP,
        spec?.ports?.map(({ name, port, targetPort }) => [name, port, targetPort]),
      ];
    };
    await publish('127.0.0.1', 6443);
    const first = await client.get(services, NAME);
    assert.deepEqual(first.metadata.labels, { component: 'apiserver', provider: 'kubernetes' });
    assert.deepEqual(await told(), ['ClusterIP', '127.0.0.1', [['https', 6443, 6443]]]);

    await publish('127.0.0.1', 6443);
    assert.equal((await client.get(services, NAME)).metadata.resourceVersion, first.metadata.resourceVersion);

    await publish('127.0.0.1', 7443);
    assert.deepEqual(await told(), ['ClusterIP', '127.0.0.1', [['https', 7443, 7443]]]);
    assert.equal((await client.get(services, NAME)).metadata.uid, first.metadata.uid);

    await publish('127.0.0.2', 7443);
    assert.deepEqual(await told(), ['ClusterIP', '127.0.0.2', [['https', 7443, 7443]]]);
  });

  it('comes back when somebody deletes it', { timeout: 120_000 }, async (test) => {
    const { registry, client, clock } = await startRegistry();
    const stop = new AbortController();
    const address = { host: '127.0.0.1', port: 6443 };
    const running = createKubernetesService(registry, address, { clock, log: silentLogger }).start(
      stop.signal,
    );
    test.after(async () => {
      stop.abort();
      await running;
    });
    const uids = new Set<string>();
    const { signal } = stop;
    for await (const { type, object } of client.watch(services, { namespace: 'default', signal })) {
      if (type !== 'ADDED') continue;
      uids.add(object.metadata.uid);
      if (uids.size === 2) break;
      await client.delete(services, NAME);
    }
    assert.equal(uids.size, 2);
  });
});
