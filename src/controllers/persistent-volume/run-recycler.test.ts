import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { type Clock, FakeClock } from '../../base/index.ts';
import {
  events,
  isNotFound,
  type Pod,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
} from '../../kube/index.ts';
import { startStack } from '../../testing/component-stack.ts';
import { createPluginRegistry } from '../../volume/index.ts';
import { createHostPathControlPlugin } from '../../volume/plugins/host-path/index.ts';
import { createPersistentVolumeController } from './index.ts';
import { runRecycler } from './run-recycler.ts';

const name = { namespace: 'default', name: 'recycler-for-pv' };
const recycler: Pod = {
  metadata: name,
  spec: { activeDeadlineSeconds: 60, restartPolicy: 'Never', containers: [{ name: 'c', image: 'i' }] },
};

async function start(test: TestContext) {
  const stack = await startStack(test, { watch: [pods, persistentVolumes, persistentVolumeClaims] });
  const abort = new AbortController();
  test.after(() => abort.abort());
  const told: string[] = [];
  const [heard, timed] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const fake = new FakeClock();
  const clock: Clock = {
    now: () => fake.now(),
    monotonic: () => fake.monotonic(),
    soon: (callback) => fake.soon(callback),
    after(delayMs, callback) {
      timed.resolve();
      return fake.after(delayMs, callback);
    },
  };
  const run = () =>
    runRecycler(recycler, {
      client: stack.client,
      clock,
      tell(type, message) {
        told.push(`${type} ${message}`);
        heard.resolve();
      },
      signal: abort.signal,
    });
  const found = () => stack.context.informers.of(pods).get(name.name, name.namespace);
  /** What the node says of the pod once it is there. */
  const report = async (status: Pod['status']) => {
    const pod = await stack.until('the recycler pod', found);
    await stack.client.update(
      pods,
      { ...pod, status: { ...pod.status, ...status } },
      { subresource: 'status' },
    );
  };
  const isGone = () => assert.rejects(stack.client.get(pods, name), (error) => isNotFound(error));
  return {
    ...stack,
    start: stack.run,
    clock: fake,
    told,
    heard: heard.promise,
    timed: timed.promise,
    run,
    found,
    report,
    isGone,
  };
}

describe('a recycler pod', () => {
  it('runs to its end and is deleted', async (test) => {
    const { run, report, isGone } = await start(test);
    const running = run();
    await report({ phase: 'Succeeded' });
    await running;
    await isGone();
  });

  it('is deleted when it fails, and says why', async (test) => {
    const { run, report, isGone } = await start(test);
    const failing = assert.rejects(run(), { message: 'failed to recycle volume: the disk is broken' });
    await report({ phase: 'Failed', message: 'the disk is broken' });
    await failing;
    await isGone();
    const silent = assert.rejects(run(), {
      message: 'failed to recycle volume: pod failed, pod.Status.Message unknown',
    });
    await report({ phase: 'Failed' });
    await silent;
  });

  it('fails when somebody deletes it', async (test) => {
    const { run, client, until, found } = await start(test);
    const failing = assert.rejects(run(), {
      message: 'failed to recycle volume: recycler pod was deleted',
    });
    await until('the pod', found);
    await client.delete(pods, name, { gracePeriodSeconds: 0 });
    await failing;
  });

  it('gives way to a new one when it is found, old or forged', async (test) => {
    const { run, client, isGone } = await start(test);
    await client.create(pods, recycler);
    await assert.rejects(run(), { message: 'old recycler pod found, will retry later' });
    await isGone();
  });

  it('does not outlive its deadline, although its node is silent', async (test) => {
    const { run, report, isGone, clock, timed } = await start(test);
    const failing = assert.rejects(run(), {
      message: 'failed to recycle volume: Pod was active on the node longer than the specified deadline',
    });
    await report({ phase: 'Running', startTime: '2026-01-01T00:00:00Z' });
    await timed;
    await clock.advance(60_000);
    await failing;
    await isGone();
  });

  it('has its events told, and only its own', async (test) => {
    const { run, report, client, until, found, told, heard } = await start(test);
    const event = (suffix: string, uid: string | undefined, message: string) =>
      client.create(events, {
        metadata: { namespace: 'default', name: `recycler-for-pv.${suffix}` },
        involvedObject: { kind: 'Pod', ...name, uid },
        type: 'Warning',
        reason: 'FailedMount',
        message,
      });
    const running = run();
    const pod = await until('the pod', found);
    await event('1', 'elder', 'of an elder one');
    await event('2', pod.metadata.uid, 'no such share');
    await heard;
    await report({ phase: 'Succeeded' });
    await running;
    assert.deepEqual(told, ['Warning no such share']);
  });

  it('makes a Released volume Available again', async (test) => {
    const { client, context, start: begin, until, report, events: tell } = await start(test);
    const files = { makeDirectory: async () => {}, removeTree: async () => {} };
    const plugins = createPluginRegistry([
      createHostPathControlPlugin({ files, random: context.random, provisioning: true }),
    ]);
    begin(createPersistentVolumeController(context, { plugins }));
    const spec = { accessModes: ['ReadWriteOnce'], storageClassName: '' };
    await client.create(persistentVolumes, {
      metadata: { name: 'pv' },
      spec: {
        ...spec,
        capacity: { storage: '1Gi' },
        persistentVolumeReclaimPolicy: 'Recycle',
        hostPath: { path: '/data' },
      },
    });
    const claim = { namespace: 'default', name: 'claim' };
    await client.create(persistentVolumeClaims, {
      metadata: claim,
      spec: { ...spec, resources: { requests: { storage: '1Gi' } } },
    });
    const volume = () => context.informers.of(persistentVolumes).get('pv');
    await until('Bound', () => volume()?.status?.phase === 'Bound');
    const body = { metadata: { finalizers: null } };
    await client.patch(persistentVolumeClaims, claim, { type: 'merge', body });
    await client.delete(persistentVolumeClaims, claim);
    await report({ phase: 'Succeeded' });
    const free = await until('Available', () => volume()?.status?.phase === 'Available' && volume());
    assert.equal(free.spec?.claimRef, undefined);
    assert.ok((await tell()).includes('VolumeRecycled: Volume recycled'));
  });
});
