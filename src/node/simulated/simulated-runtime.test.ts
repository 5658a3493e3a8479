import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FakeClock, seededRandom } from '../../base/index.ts';
import { createSimulatedHost, Machine } from '../../host/simulated/index.ts';
import type { Pod } from '../../kube/index.ts';
import type { ContainerConfig, ContainerRecord } from '../runtime/index.ts';
import { StartError } from '../runtime/index.ts';
import { type ContainerEnd, containerEnd } from './container-end.ts';
import { createSimulatedRuntime } from './simulated-runtime.ts';

describe('containerEnd', () => {
  const AFTER = 'simulated.stowage.dev/exit-after-seconds';
  const CODE = 'simulated.stowage.dev/exit-code';
  const pod = (annotations: Record<string, string> = {}): Pod => ({
    metadata: { name: 'p', annotations },
    spec: {
      initContainers: [
        { name: 'init', image: 'i' },
        { name: 'sidecar', image: 'i', restartPolicy: 'Always' },
      ],
      containers: [{ name: 'main', image: 'i' }],
    },
  });
  const cases: readonly [string, Pod, string, ContainerEnd | undefined | RegExp][] = [
    ['runs for ever', pod(), 'main', undefined],
    ['ends when it is told to', pod({ [AFTER]: '1.5' }), 'main', { afterMs: 1500, exitCode: 0 }],
    ['with the code', pod({ [AFTER]: '0', [CODE]: '7' }), 'main', { afterMs: 0, exitCode: 7 }],
    ['init containers are done at once', pod(), 'init', { afterMs: 0, exitCode: 0 }],
    ['sidecars are not', pod({ [AFTER]: '0' }), 'sidecar', undefined],
    ['no number', pod({ [AFTER]: 'soon' }), 'main', /exit-after-seconds="soon" must be a number of seconds/],
    ['nothing', pod({ [AFTER]: ' ' }), 'main', /must be a number of seconds/],
    ['negative', pod({ [AFTER]: '-1' }), 'main', /must be a number of seconds/],
    ['no code', pod({ [AFTER]: '0', [CODE]: '256' }), 'main', /exit-code="256" must be a whole number/],
  ];
  for (const [fact, of, name, expected] of cases) {
    it(fact, () => {
      if (expected instanceof RegExp) assert.throws(() => containerEnd(of, name), expected);
      else assert.deepEqual(containerEnd(of, name), expected);
    });
  }
});

describe('the simulated runtime', () => {
  const setUp = (endOf: () => ContainerEnd | undefined = () => undefined) => {
    const clock = new FakeClock();
    const machine = new Machine(
      'm',
      () => clock.now(),
      () => 0,
    );
    const { files } = createSimulatedHost(machine, () => clock.now());
    const runtime = createSimulatedRuntime({ files, clock, random: seededRandom(1), endOf });
    const exits: ContainerRecord[] = [];
    runtime.onExit((record) => exits.push(record));
    return { clock, files, runtime, exits };
  };
  const config = (hostPath?: string): ContainerConfig => ({
    podUid: 'u',
    podNamespace: 'default',
    podName: 'p',
    containerName: 'main',
    attempt: 0,
    image: 'i',
    hostname: 'p',
    command: [],
    environment: new Map(),
    workingDir: '/',
    mounts: hostPath === undefined ? [] : [{ hostPath, containerPath: '/data', readOnly: false }],
    etcFiles: {},
    terminationMessagePath: '/dev/termination-log',
    terminationMessageFromLog: false,
    security: {
      uid: 0,
      gid: 0,
      supplementalGroups: [],
      capabilities: [],
      noNewPrivileges: false,
      readOnlyRootFilesystem: false,
    },
  });

  it('starts nothing whose volume is not where it is to be bound from', async () => {
    const { files, runtime } = setUp();
    await assert.rejects(runtime.start(config('/volume')), StartError);
    assert.deepEqual(runtime.containers(), []);
    await files.makeDirectory('/volume');
    const { id } = await runtime.start(config('/volume'));
    assert.match(id, /^[0-9a-f]{64}$/);
    assert.equal(runtime.containers('u').length, 1);
    assert.equal(runtime.containers('other').length, 0);
  });

  it('runs until it is stopped, and tells of the end once', async () => {
    const { clock, runtime, exits } = setUp();
    const { id } = await runtime.start(config());
    await clock.advance(3_600_000);
    assert.equal(runtime.containers()[0]?.state, 'running');
    assert.equal((await runtime.stop(id, 30)).exitCode, 143);
    assert.equal((await runtime.stop(id, 30)).exitCode, 143);
    assert.equal(exits.length, 1);
    await runtime.remove(id);
    assert.deepEqual(runtime.containers(), []);
  });

  it('ends by itself when its time has come, and not once it was stopped', async () => {
    const { clock, runtime, exits } = setUp(() => ({ afterMs: 1_000, exitCode: 3 }));
    await runtime.start(config());
    const stopped = await runtime.start({ ...config(), containerName: 'other' });
    await runtime.stop(stopped.id, 0);
    await clock.advance(2_000);
    assert.deepEqual(
      exits.map(({ containerName, exitCode }) => [containerName, exitCode]),
      [
        ['other', 143],
        ['main', 3],
      ],
    );
    await runtime.close();
    assert.equal(clock.pending, 0);
  });

  it('starts nothing whose annotations are wrong', async () => {
    const { runtime } = setUp(() => {
      throw new Error('annotation x is wrong');
    });
    await assert.rejects(runtime.start(config()), { name: 'StartError', message: 'annotation x is wrong' });
    assert.deepEqual(runtime.containers(), []);
  });
});
