import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { createLocalClient, createRegistry, openStore } from '../../apiserver/index.ts';
import { silentLogger, systemClock, systemRandom, Trace } from '../../base/index.ts';
import { type Client, type ComponentContext, Informers, Recorder, waitUntil } from '../../client/index.ts';
import {
  events,
  type KubeObject,
  type PersistentVolume,
  type PersistentVolumeClaim,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  type StorageClass,
  storageClasses,
} from '../../kube/index.ts';
import { createProtectionControllers } from '../protection/index.ts';
import { createPersistentVolumeController } from './index.ts';

interface Stack {
  readonly client: Client;
  readonly trace: Trace;
  readonly informers: Informers;
  readonly recorder: Recorder;
  /** Successful writes of claims and volumes by anyone but `client`. */
  readonly writes: string[];
  /** Holds up an update as long as it likes. */
  readonly hooks: { beforeUpdate?: (object: KubeObject) => Promise<void> | undefined };
  until<R>(what: string, look: () => R | undefined | false): Promise<R>;
}

/** A registry in memory with the controllers on it; all of it ends with the test. */
async function start(test: TestContext): Promise<Stack> {
  const store = await openStore({ memory: true });
  const registry = await createRegistry({ store, clock: systemClock, random: systemRandom });
  const client = createLocalClient(registry);
  const writes: string[] = [];
  const hooks: Stack['hooks'] = {};
  const counted: Client = {
    ...client,
    async update(resource, object, options) {
      await hooks.beforeUpdate?.(object);
      const saved = await client.update(resource, object, options);
      writes.push(`${resource.kind}${options?.subresource ? `/${options.subresource}` : ''}`);
      return saved;
    },
  };
  const shared = { clock: systemClock, random: systemRandom, log: silentLogger };
  const informers = new Informers({ client, ...shared });
  const trace = new Trace(systemClock);
  const recorder = new Recorder({
    client,
    clock: systemClock,
    random: systemRandom,
    log: silentLogger,
    component: 'test',
  });
  const context: ComponentContext = {
    client: counted,
    informers,
    trace,
    recorder: () => recorder,
    ...shared,
  };
  const abort = new AbortController();
  const components = [createPersistentVolumeController(context), createProtectionControllers(context)];
  const running = [
    ...components.map((component) => component.start(abort.signal)),
    informers.start(abort.signal),
  ];
  test.after(async () => {
    abort.abort();
    await Promise.all(running);
    await recorder.flush();
    await registry.close();
  });
  const until: Stack['until'] = (what, look) => {
    const watched = [persistentVolumeClaims, persistentVolumes, events].map((resource) =>
      informers.of(resource as never),
    );
    return waitUntil(watched as never, look, { clock: systemClock, limitMs: 5_000, what });
  };
  return { client, trace, informers, recorder, writes, hooks, until };
}

const volume = (name: string, more: Partial<PersistentVolume['spec']> = {}): PersistentVolume => ({
  metadata: { name, finalizers: ['kubernetes.io/pv-protection'] },
  spec: {
    capacity: { storage: '1Gi' },
    accessModes: ['ReadWriteOnce'],
    persistentVolumeReclaimPolicy: 'Retain',
    hostPath: { path: `/tmp/${name}` },
    ...more,
  },
});
const claim = (name: string, more: Partial<PersistentVolumeClaim['spec']> = {}): PersistentVolumeClaim => ({
  metadata: { name, namespace: 'default' },
  spec: {
    accessModes: ['ReadWriteOnce'],
    resources: { requests: { storage: '1Gi' } },
    storageClassName: '',
    ...more,
  },
});
const isBound = (stack: Stack, name: string) => () => {
  const found = stack.informers.of(persistentVolumeClaims).get(name, 'default');
  return found?.status?.phase === 'Bound' && found;
};

describe('persistent volume controller on a real registry', () => {
  it('binds a claim to a volume made by hand, whichever comes first', async (test) => {
    const stack = await start(test);
    await stack.client.create(persistentVolumes, volume('before'));
    await stack.client.create(persistentVolumeClaims, claim('one'));
    const first = await stack.until('one is Bound', isBound(stack, 'one'));
    assert.equal(first.spec?.volumeName, 'before');
    assert.deepEqual(first.status?.capacity, { storage: '1Gi' });

    await stack.client.create(persistentVolumeClaims, claim('two'));
    await stack.client.create(persistentVolumes, volume('after'));
    const second = await stack.until('two is Bound', isBound(stack, 'two'));
    assert.equal(second.spec?.volumeName, 'after');
    const bound = await stack.client.get(persistentVolumes, { name: 'after' });
    assert.equal(bound.status?.phase, 'Bound');
    assert.equal(bound.spec?.claimRef?.uid, second.metadata.uid);
    const steps = stack.trace.ended('default/one').map(({ step, outcome }) => `${step} ${outcome}`);
    assert.deepEqual(steps, ['claim ok', 'bind ok']);
  });

  it('binds 300 claims to 300 volumes, one to one, with the fewest writes', async (test) => {
    const stack = await start(test);
    const names = Array.from({ length: 300 }, (_, index) => index);
    await Promise.all(names.map((index) => stack.client.create(persistentVolumes, volume(`pv-${index}`))));
    await stack.until('all are Available', () =>
      [...stack.informers.of(persistentVolumes).values()].every(
        ({ status }) => status?.phase === 'Available',
      ),
    );
    stack.writes.length = 0;
    await Promise.all(names.map((index) => stack.client.create(persistentVolumeClaims, claim(`c-${index}`))));
    await stack.until('all are Bound', () => {
      const all = [...stack.informers.of(persistentVolumeClaims).values()];
      return all.length === 300 && all.every(({ status }) => status?.phase === 'Bound');
    });
    const taken = [...stack.informers.of(persistentVolumeClaims).values()].map(
      ({ spec }) => spec?.volumeName,
    );
    assert.equal(new Set(taken).size, 300);
    const specWrites = stack.writes.filter((kind) => kind === 'PersistentVolume').length;
    assert.equal(specWrites, 300, 'no volume was bound twice, or for nothing');
  });

  it('releases a volume whose claim went while it was being bound', async (test) => {
    const stack = await start(test);
    const [reached, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    stack.hooks.beforeUpdate = ({ kind, metadata, spec }: PersistentVolumeClaim) => {
      if (kind !== 'PersistentVolumeClaim' || !spec?.volumeName || metadata?.deletionTimestamp)
        return undefined;
      reached.resolve();
      return released.promise;
    };
    await stack.client.create(persistentVolumes, volume('pv'));
    await stack.client.create(persistentVolumeClaims, claim('one'));
    await reached.promise;
    const phase = () => stack.informers.of(persistentVolumes).get('pv')?.status?.phase;
    await stack.until('Bound', () => phase() === 'Bound');
    await stack.client.delete(persistentVolumeClaims, { namespace: 'default', name: 'one' });
    await stack.until('the end of the claim', () => stack.informers.of(persistentVolumeClaims).size === 0);
    released.resolve();
    await stack.until('Released', () => phase() === 'Released');
  });

  it('lets claims go on when the class or the volume that they need appears', async (test) => {
    const stack = await start(test);
    await stack.client.create(persistentVolumeClaims, claim('typed', { storageClassName: 'late' }));
    await stack.client.create(persistentVolumeClaims, claim('named', { volumeName: 'mine' }));
    const late: StorageClass = { metadata: { name: 'late' }, provisioner: 'disk.example.com' };
    await stack.client.create(storageClasses, late);
    await stack.client.create(persistentVolumes, volume('mine'));
    await stack.until('named is Bound', isBound(stack, 'named'));
    await stack.until('typed is handed over', () => {
      const found = stack.informers.of(persistentVolumeClaims).get('typed', 'default');
      return found?.metadata.annotations?.['volume.kubernetes.io/storage-provisioner'] === 'disk.example.com';
    });
  });

  it('marks a volume Released when its claim goes, and a claim Lost when its volume goes', async (test) => {
    const stack = await start(test);
    await stack.client.create(persistentVolumes, volume('pv'));
    await stack.client.create(persistentVolumeClaims, claim('gone'));
    await stack.until('gone is Bound', isBound(stack, 'gone'));
    await stack.client.delete(persistentVolumeClaims, { namespace: 'default', name: 'gone' });
    await stack.until(
      'pv is Released',
      () => stack.informers.of(persistentVolumes).get('pv')?.status?.phase === 'Released',
    );
    await stack.client.create(persistentVolumeClaims, claim('lost'));
    await stack.client.create(persistentVolumes, volume('pv-2'));
    await stack.until('lost is Bound', isBound(stack, 'lost'));
    const doomed = await stack.client.delete(persistentVolumes, { name: 'pv-2' });
    assert.deepEqual(doomed.metadata.finalizers, ['kubernetes.io/pv-protection']);
    await stack.client.update(persistentVolumes, {
      ...doomed,
      metadata: { ...doomed.metadata, finalizers: undefined },
    });
    await stack.until(
      'lost is Lost',
      () => stack.informers.of(persistentVolumeClaims).get('lost', 'default')?.status?.phase === 'Lost',
    );
    await stack.until('ClaimLost is told', () =>
      [...stack.informers.of(events).values()].some(({ reason }) => reason === 'ClaimLost'),
    );
  });

  it('keeps a claim while a pod on a node uses it', async (test) => {
    const stack = await start(test);
    const name = { namespace: 'default', name: 'data' };
    await stack.client.create(persistentVolumeClaims, claim('data'));
    await stack.until('data is protected', () =>
      stack.informers
        .of(persistentVolumeClaims)
        .get('data', 'default')
        ?.metadata.finalizers?.includes('kubernetes.io/pvc-protection'),
    );
    await stack.client.create(pods, {
      metadata: { name: 'pod', namespace: 'default' },
      spec: {
        nodeName: 'n1',
        containers: [{ name: 'c', image: 'i' }],
        volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'data' } }],
      },
    });
    await stack.client.delete(persistentVolumeClaims, name);
    // A claim that nobody uses, deleted later, goes at once.
    await stack.client.create(persistentVolumeClaims, claim('free'));
    await stack.client.delete(persistentVolumeClaims, { namespace: 'default', name: 'free' });
    await stack.until(
      'free is gone',
      () => stack.informers.of(persistentVolumeClaims).get('free', 'default') === undefined,
    );
    assert.ok((await stack.client.get(persistentVolumeClaims, name)).metadata.deletionTimestamp);
    await stack.client.delete(pods, { namespace: 'default', name: 'pod' }, { gracePeriodSeconds: 0 });
    await stack.until(
      'data is gone',
      () => stack.informers.of(persistentVolumeClaims).get('data', 'default') === undefined,
    );
  });
});
