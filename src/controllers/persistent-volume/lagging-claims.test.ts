import assert from 'node:assert/strict';
import { it } from 'node:test';
import { createLocalClient, createRegistry, openStore } from '../../apiserver/index.ts';
import { seededRandom, silentLogger, Trace, VirtualClock } from '../../base/index.ts';
import { type Client, Informers } from '../../client/index.ts';
import { type PersistentVolumeClaim, persistentVolumeClaims, persistentVolumes } from '../../kube/index.ts';
import { createPluginRegistry } from '../../volume/index.ts';
import { createPersistentVolumeController } from './index.ts';

const CLAIM: PersistentVolumeClaim = {
  metadata: { name: 'one', namespace: 'default' },
  spec: {
    storageClassName: '',
    accessModes: ['ReadWriteOnce'],
    resources: { requests: { storage: '1Gi' } },
  },
};

it('a volume whose claim the cache does not have yet is not looked at again and again', async (test) => {
  const clock = new VirtualClock();
  const random = seededRandom(1);
  const store = await openStore({ memory: true });
  const registry = await createRegistry({ store, clock, random, log: silentLogger });
  const abort = new AbortController();
  test.after(async () => {
    abort.abort();
    clock.clear();
    await registry.close();
  });
  const real = createLocalClient(registry);
  let asked = 0;
  const client: Client = {
    ...real,
    get: ((...call: Parameters<Client['get']>) => {
      // A loop would leave the clock no turn.
      return ++asked < 50 ? real.get(...call) : new Promise(() => {});
    }) as Client['get'],
    // The watch of claims has not come that far.
    list: (async (resource, options) => {
      const list = await real.list(resource, options);
      return resource.plural === persistentVolumeClaims.plural ? { ...list, items: [] } : list;
    }) as Client['list'],
  };
  const { metadata } = await real.create(persistentVolumeClaims, CLAIM);
  await real.create(persistentVolumes, {
    metadata: { name: 'pv' },
    spec: {
      capacity: { storage: '1Gi' },
      accessModes: ['ReadWriteOnce'],
      hostPath: { path: '/tmp/pv' },
      claimRef: { namespace: 'default', name: 'one', uid: metadata.uid },
    },
  });
  const shared = { client, clock, random, log: silentLogger };
  const informers = new Informers(shared);
  const context = { ...shared, informers, trace: new Trace(clock), recorder: () => ({ event() {} }) };
  const controller = createPersistentVolumeController(context, { plugins: createPluginRegistry([]) });
  void controller.start(abort.signal);
  void informers.start(abort.signal);
  await clock.run({ until: () => asked >= 50, deadlineMs: clock.monotonic() + 10_000 });
  assert.ok(asked >= 1 && asked <= 2, `the server was asked ${asked} times in ten seconds`);
});
