import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { aborted, systemClock, withDeadline } from '../base/index.ts';
import { skipReason } from '../host/linux/leftovers.test-support.ts';
import { type Container, pods } from '../kube/index.ts';
import { VolumeAttachLimitExceededError } from '../volume/index.ts';
import { DEFAULT, STAY, shellPod, stage, state } from './stage.test-support.ts';

const DATA = { volumeMounts: [{ name: 'data', mountPath: '/data' }] };
const VOLUMES = [{ name: 'data', emptyDir: {} }];
const say = (word: string) => `echo ${word} >> /data/told`;
const shell = (name: string, script: string, more: Partial<Container> = {}): Container => ({
  name,
  image: 'example/app',
  command: ['sh', '-c', script],
  ...DATA,
  ...more,
});
const exec = (script: string) => ({ exec: { command: ['sh', '-c', script] } });

describe('the life of a pod on its node', { skip: skipReason, timeout: 300_000 }, () => {
  it('begins with its sidecars and ends with them, with hooks at both ends', async (test) => {
    const { start, client, when, gone, directory, events } = await stage(test);
    await start();
    const ends = (name: string) =>
      `trap "${say(`${name}-end`)}; exit 0" TERM; ${say(name)}; while :; do sleep 0.02; done`;
    const sidecar = (name: string) =>
      shell(name, ends(name), {
        restartPolicy: 'Always',
        startupProbe: { ...exec(`grep -qx ${name} /data/told`), periodSeconds: 1 },
      });
    const lifecycle = { postStart: exec(say('hello')), preStop: exec(say('bye')) };
    const spec = {
      volumes: VOLUMES,
      initContainers: [sidecar('one'), sidecar('two')],
      // Ready once it has spoken.
      containers: [
        shell('main', ends('main'), {
          lifecycle,
          readinessProbe: { ...exec('grep -qx main /data/told'), periodSeconds: 1 },
        }),
      ],
    };
    await client.create(pods, shellPod('web', '', spec));
    await when('web', 'ready', ({ status }) => status?.containerStatuses?.[0]?.ready);
    await client.delete(pods, { ...DEFAULT, name: 'web' });
    await gone('web');
    const told = readFileSync(join(directory, 'volume/told'), 'utf8').split('\n').filter(Boolean);
    assert.deepEqual(told.slice(0, 2), ['one', 'two']);
    assert.deepEqual(told.slice(2, 4).sort(), ['hello', 'main']);
    assert.deepEqual(told.slice(4), ['bye', 'main-end', 'two-end', 'one-end']);
    assert.ok(!(await events()).some((event) => event.startsWith('Failed')));
  });

  it('tells of hooks that fail, and restarts the container whose postStart did', async (test) => {
    const { start, client, when, gone, events } = await stage(test);
    await start();
    const lifecycle = { postStart: exec('exit 3'), preStop: exec('exit 4') };
    const spec = { volumes: VOLUMES, containers: [shell('main', STAY, { lifecycle })] };
    await client.create(pods, shellPod('hooked', '', spec));
    await when('hooked', 'restarted', ({ status }) => status?.containerStatuses?.[0]?.restartCount === 1);
    await client.delete(pods, { ...DEFAULT, name: 'hooked' }, { gracePeriodSeconds: 1 });
    await gone('hooked');
    const told = await events();
    for (const event of [
      'FailedPostStartHook: PostStartHook failed',
      'Killing: FailedPostStartHook',
      'FailedPreStopHook: PreStopHook failed',
    ])
      assert.ok(told.includes(event), `${event} in ${told.join(', ')}`);
  });

  it('ends soon, and fails, when it puts more into an emptyDir than it may', async (test) => {
    const { start, client, when, events, hooks } = await stage(test);
    await start();
    const volumes = [{ name: 'data', emptyDir: { sizeLimit: '1Mi' } }];
    const stubborn = "trap '' TERM; while :; do sleep 0.02; done";
    const spec = { volumes, terminationGracePeriodSeconds: 3600, containers: [shell('main', stubborn)] };
    await client.create(pods, shellPod('full', '', spec));
    await when('full', 'running', (pod) => state(pod).running);
    hooks.stats = () => ({ data: { used: 2 ** 20 + 1 } });
    const { status } = await when('full', 'evicted', (pod) => pod.status?.phase === 'Failed');
    const why = 'Usage of EmptyDir volume "data" exceeds the limit "1Mi". ';
    assert.deepEqual([status?.reason, status?.message], ['Evicted', why]);
    assert.ok((await events()).includes(`Evicted: ${why}`));
  });

  it('ends soon, and fails, when its containers write more than they may', async (test) => {
    const { start, client, when, events } = await stage(test);
    await start();
    const resources = { limits: { 'ephemeral-storage': '1Mi' } };
    const talks = 'head -c 3145728 /dev/zero | tr "\\0" x; while :; do sleep 0.02; done';
    const spec = { volumes: VOLUMES, containers: [shell('main', talks, { resources })] };
    await client.create(pods, shellPod('full', '', spec));
    const { status } = await when('full', 'evicted', (pod) => pod.status?.phase === 'Failed');
    const why = 'Pod ephemeral local storage usage exceeds the total limit of containers 1Mi. ';
    assert.deepEqual([status?.reason, status?.message], ['Evicted', why]);
    assert.ok((await events()).includes(`Evicted: ${why}`));
  });

  it('never begins on a node that takes no more volumes', async (test) => {
    const { start, client, when, events, hooks } = await stage(test);
    hooks.mounting = () => {
      throw new VolumeAttachLimitExceededError(
        'Node has reached its volume attachment limit, rejecting pod. ',
      );
    };
    await start();
    await client.create(
      pods,
      shellPod('full', STAY, { volumes: VOLUMES, containers: [shell('main', STAY)] }),
    );
    const { status } = await when('full', 'rejected', (pod) => pod.status?.phase === 'Failed');
    const why = 'Node has reached its volume attachment limit, rejecting pod. ';
    assert.equal(status?.reason, 'VolumeAttachmentLimitExceeded');
    assert.equal(status?.message, `Pod was rejected: ${why}`);
    assert.ok((await events()).includes(`VolumeAttachmentLimitExceeded: ${why}`));
  });

  it('has its containers made ready while its volumes are on their way, and shows none', async (test) => {
    const { start, client, when, gone, pod, hooks, host, directory } = await stage(test);
    const there = Promise.withResolvers<void>();
    hooks.mounting = async (signal) => {
      await Promise.race([there.promise, aborted(signal)]);
      signal.throwIfAborted();
    };
    await start();
    const containers = join(directory, 'state/runtime/containers');
    const made = () => readdirSync(containers);
    const oneIsMade = async () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      const look = () => made().length === 1 && resolve();
      const stop = host.files.watchDirectory(containers, look);
      look();
      await withDeadline(systemClock, 30_000, 'a container made ready', promise).finally(stop);
    };
    const waits = async (name: string) => {
      await client.create(pods, shellPod(name, '', { volumes: VOLUMES, containers: [shell('main', STAY)] }));
      await when(name, 'said to wait', (seen) => state(seen).waiting?.reason === 'ContainerCreating');
      await oneIsMade();
      assert.equal((await pod(name)).status?.containerStatuses?.[0]?.containerID, undefined);
    };
    await waits('in-vain');
    const [vain] = made();
    await client.delete(pods, { ...DEFAULT, name: 'in-vain' });
    await gone('in-vain');
    assert.deepEqual(made(), []);
    await waits('patient');
    const [ready] = made();
    assert.notEqual(ready, vain);
    there.resolve();
    const running = await when('patient', 'running', (seen) => state(seen).running);
    assert.equal(running.status?.containerStatuses?.[0]?.containerID, `stowage://${ready}`);
    await client.delete(pods, { ...DEFAULT, name: 'patient' }, { gracePeriodSeconds: 1 });
    await gone('patient');
  });

  it('is over when its active deadline has passed', async (test) => {
    const { start, client, when, events } = await stage(test);
    await start();
    await client.create(pods, shellPod('short', STAY));
    // Its start must not have to be quicker than the deadline.
    await when('short', 'running', (pod) => state(pod).running);
    const body = { spec: { activeDeadlineSeconds: 1 } };
    await client.patch(pods, { ...DEFAULT, name: 'short' }, { type: 'merge', body });
    const { status } = await when(
      'short',
      'over',
      (pod) => pod.status?.phase === 'Failed' && state(pod).terminated,
    );
    assert.deepEqual(
      [status?.reason, status?.message],
      ['DeadlineExceeded', 'Pod was active on the node longer than the specified deadline'],
    );
    const deadline = 'DeadlineExceeded: Pod was active on the node longer than the specified deadline';
    assert.equal((await events()).filter((event) => event === deadline).length, 1);
  });

  it('shares processes among its containers when that is asked for', async (test) => {
    const { start, client, when, gone, directory } = await stage(test);
    await start();
    const mark = `313.${process.pid}`;
    const look = `until cat /proc/[0-9]*/cmdline | grep -q ${mark}; do sleep 0.05; done; ${say('seen')}; ${STAY}`;
    const spec = {
      volumes: VOLUMES,
      shareProcessNamespace: true,
      containers: [
        shell('a', '', { command: ['sleep', mark] }),
        shell('b', look, { readinessProbe: { ...exec('test -e /data/told'), periodSeconds: 1 } }),
      ],
    };
    await client.create(pods, shellPod('shared', '', spec));
    const pod = await when('shared', 'ready', ({ status }) =>
      status?.containerStatuses?.every(({ ready }) => ready),
    );
    assert.deepEqual(
      pod.status?.containerStatuses?.map(({ name }) => name),
      ['a', 'b'],
    );
    await client.delete(pods, { ...DEFAULT, name: 'shared' }, { gracePeriodSeconds: 1 });
    await gone('shared');
    assert.equal(readFileSync(join(directory, 'volume/told'), 'utf8'), 'seen\n');
  });

  it('does not begin as root where that is forbidden', async (test) => {
    const { start, client, when } = await stage(test);
    await start();
    const pod = shellPod('rootless', STAY, { securityContext: { runAsNonRoot: true } });
    await client.create(pods, pod);
    const waiting = await when('rootless', 'waiting', (found) => state(found).waiting?.message);
    const { uid } = waiting.metadata;
    assert.deepEqual(state(waiting).waiting, {
      reason: 'CreateContainerConfigError',
      message: `container has runAsNonRoot and image will run as root (pod: "rootless_default(${uid})", container: main)`,
    });
  });
});
