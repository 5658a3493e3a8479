import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FakeClock } from '../../base/index.ts';
import type { Container } from '../../kube/index.ts';
import { activeDeadlineIn } from './active-deadline.ts';
import type { Attempt } from './attempts.ts';
import { decide } from './decide.ts';
import { attempts, ended, now, pod, running } from './fixtures.ts';
import { containerShouldRestart } from './restart-policy.ts';
import { stopContainers } from './stop-containers.ts';
import { terminationOrder } from './termination-order.ts';

describe('ephemeral containers', () => {
  const ephemeralContainers = [{ name: 'debug' }];
  const names = (spec: object, made: Record<string, Attempt>) =>
    decide(pod({ ephemeralContainers, ...spec }), attempts(made), new Set()).start.map(({ name }) => name);
  it('are started at any time', () => {
    assert.deepEqual(names({}, { main: running() }), ['debug']);
    assert.deepEqual(names({ initContainers: [{ name: 'init' }] }, { init: running() }), ['debug']);
  });
  it('run once', () => assert.deepEqual(names({}, { main: running(), debug: ended(1) }), []));
});

describe("a container's own restart policy", () => {
  const rules = (operator: string, values: number[]) => [
    { action: 'Restart', exitCodes: { operator, values } },
  ];
  for (const [name, policy, container, exitCode, restarts] of [
    ['Always', 'Never', { restartPolicy: 'Always' }, 0, true],
    ['Never', 'Always', { restartPolicy: 'Never' }, 1, false],
    ['OnFailure', 'Never', { restartPolicy: 'OnFailure' }, 1, true],
    [
      'a rule for the code',
      'Never',
      { restartPolicy: 'Never', restartPolicyRules: rules('In', [42]) },
      42,
      true,
    ],
    [
      'a rule for others',
      'Never',
      { restartPolicy: 'Never', restartPolicyRules: rules('NotIn', [42]) },
      42,
      false,
    ],
  ] as const)
    it(`${name} goes before the pod's ${policy}`, () => {
      const spec = { restartPolicy: policy };
      const made = containerShouldRestart(pod(spec), { name: 'main', ...container } as Container, exitCode);
      assert.equal(made, restarts);
    });
});

describe('the order in which containers end', () => {
  it('is sidecars last, the first one last of all', () => {
    const sidecar = (name: string) => ({ name, restartPolicy: 'Always' });
    const order = terminationOrder(pod({ initContainers: [sidecar('a'), { name: 'init' }, sidecar('b')] }));
    assert.deepEqual(
      [...order],
      [
        ['a', ['main', 'b']],
        ['b', ['main']],
      ],
    );
  });
  it('leaves the grace to all of them, hooks and waiting included', async () => {
    const clock = new FakeClock(0);
    const said: string[] = [];
    const end = Promise.withResolvers<void>();
    const stopping = stopContainers(
      clock,
      [
        { name: 'main', preStop: () => end.promise, stop: async (grace) => said.push(`main ${grace}`) },
        { name: 'side', stop: async (grace) => said.push(`side ${grace}`) },
      ],
      10,
      new Map([['side', ['main']]]),
      new AbortController().signal,
    );
    await clock.advance(4_000);
    assert.deepEqual(said, []);
    end.resolve();
    await stopping;
    assert.deepEqual(said, ['main 6', 'side 6']);
  });
  it('waits for no hook longer than the grace, and not at all when it has to hurry', async () => {
    const clock = new FakeClock(0);
    const hurry = new AbortController();
    const graces: number[] = [];
    const hung = {
      name: 'main',
      preStop: () => new Promise<void>(() => {}),
      stop: async (grace: number) => graces.push(grace),
    };
    const first = stopContainers(clock, [hung], 3, new Map(), new AbortController().signal);
    await clock.advance(3_000);
    await first;
    const second = stopContainers(clock, [hung], 30, new Map(), hurry.signal);
    hurry.abort();
    await second;
    assert.deepEqual(graces, [2, 30]);
  });
});

describe('the active deadline', () => {
  const at = (startTime: string | undefined, spec = { activeDeadlineSeconds: 60 }) =>
    activeDeadlineIn(pod(spec, { status: { startTime } }), now);
  it('counts from the start of the pod on this node', () => {
    assert.equal(at('2026-01-02T03:03:45Z'), 40_000);
    assert.equal(at('2026-01-02T03:03:05Z'), 0);
    assert.equal(at(undefined), undefined);
  });
});
