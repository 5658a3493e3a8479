import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { FakeClock } from '../../base/index.ts';
import type { ContainerStatus, Pod, Stored } from '../../kube/index.ts';
import { Expectations } from './expectations.ts';
import { canonical, nextStatus, podsToDelete, safeHash, sameTemplate, scaled, slowStart } from './index.ts';

const NOW = Date.UTC(2026, 0, 1, 12);

function pod(name: string, more: { spec?: object; status?: object; metadata?: object } = {}): Stored<Pod> {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      uid: name,
      resourceVersion: '1',
      creationTimestamp: '2026-01-01T11:00:00Z',
      ...more.metadata,
    },
    spec: { nodeName: 'n', containers: [], ...more.spec },
    status: { phase: 'Running', ...more.status },
  };
}

const readySince = (time: string) => ({
  conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: time }],
});
const ready = { status: readySince('2026-01-01T11:00:00Z') };
const restarted = (restartCount: number) => ({
  status: { ...ready.status, containerStatuses: [{ restartCount } as ContainerStatus] },
});

describe('which pod goes first when there are too many', () => {
  const cost = (value: string) => ({
    ...ready,
    metadata: { annotations: { 'controller.kubernetes.io/pod-deletion-cost': value } },
  });
  const cases: [string, Stored<Pod>, Stored<Pod>][] = [
    [
      'unassigned',
      pod('a', { ...ready, spec: { nodeName: undefined } }),
      pod('b', { status: { phase: 'Pending' } }),
    ],
    ['pending', pod('a', { status: { phase: 'Pending' } }), pod('b')],
    ['not ready', pod('a'), pod('b', ready)],
    ['cheap', pod('a', cost('-5')), pod('b', ready)],
    ['not dear', pod('a', ready), pod('b', cost('5'))],
    ['a cost that is none counts as 0', pod('a', cost('05')), pod('b', cost('5'))],
    ['ready for a shorter time', pod('a', { status: readySince('2026-01-01T11:59:00Z') }), pod('b', ready)],
    ['restarted more', pod('a', restarted(3)), pod('b', restarted(2))],
    ['younger', pod('a', { metadata: { creationTimestamp: '2026-01-01T11:59:00Z' } }), pod('b')],
    [
      'of about an age: by uid',
      pod('a', { metadata: { creationTimestamp: '2026-01-01T10:59:59Z' } }),
      pod('b'),
    ],
  ];
  for (const [why, first, second] of cases) {
    it(why, () => {
      assert.deepEqual(podsToDelete([second, first], [], 1, NOW), [first]);
      assert.deepEqual(podsToDelete([first, second], [], 1, NOW), [first]);
    });
  }

  it('one that shares its node with more of its kin', () => {
    const on = (name: string, nodeName: string) => pod(name, { ...ready, spec: { nodeName } });
    const [a, b, kin] = [on('a', 'n1'), on('b', 'n2'), on('kin', 'n2')];
    assert.deepEqual(podsToDelete([a, b], [a, b, kin], 1, NOW), [b]);
    const ended = { ...kin, status: { phase: 'Succeeded' } };
    assert.deepEqual(podsToDelete([a, b], [a, b, ended], 1, NOW), [a], 'ended ones do not count');
  });
});

describe('numbers and percentages', () => {
  const cases: [unknown, number, 'up' | 'down', number][] = [
    [3, 10, 'up', 3],
    ['25%', 10, 'up', 3],
    ['25%', 10, 'down', 2],
    ['0%', 10, 'up', 0],
    ['100%', 7, 'down', 7],
    ['7%', 100, 'up', 7],
    [undefined, 10, 'up', 0],
  ];
  for (const [value, total, rounding, result] of cases) {
    it(`${value} of ${total}, ${rounding}: ${result}`, () =>
      assert.equal(scaled(value, total, rounding), result));
  }
});

describe('templates that mean the same', () => {
  const template = (more: object = {}) => ({
    metadata: { labels: { app: 'a' } },
    spec: { containers: [{ name: 'c', image: 'i', ...more }] },
  });
  it('have the same text, whoever wrote them', () => {
    assert.ok(sameTemplate(template(), template({ resources: {}, args: [], tty: undefined })));
    assert.ok(
      sameTemplate(template(), {
        ...template(),
        metadata: { labels: { 'pod-template-hash': 'x', app: 'a' } },
      }),
    );
    assert.ok(!sameTemplate(template(), template({ image: 'other' })));
    const volume = (source: object) => ({
      ...template(),
      spec: { containers: [], volumes: [{ name: 'v', ...source }] },
    });
    assert.ok(!sameTemplate(volume({ emptyDir: {} }), volume({})), 'an empty source is one');
  });

  it('whatever the order of their keys', () =>
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (object) => {
        const reversed = Object.fromEntries(Object.entries(object).reverse());
        assert.equal(canonical(reversed), canonical(object));
      }),
    ));

  it('have a hash that spells no words', () =>
    fc.assert(
      fc.property(fc.string(), (text) =>
        assert.match(safeHash(text), /^[bcdfghjklmnpqrstvwxz2456789]{1,10}$/),
      ),
    ));
});

describe('a slow start', () => {
  it('doubles its batches and ends with the first failure', async () => {
    const tried: number[] = [];
    const refuse = slowStart(100, async (index) => {
      tried.push(index);
      if (index === 4) throw new Error('refused');
    });
    await assert.rejects(refuse, /refused/);
    assert.deepEqual(tried, [0, 1, 2, 3, 4, 5, 6]);
    const done: number[] = [];
    await slowStart(10, async (index) => void done.push(index));
    assert.equal(done.length, 10);
  });
});

describe('expectations', () => {
  it('wait until the cache shows what was written, or five minutes', async () => {
    const clock = new FakeClock();
    const expectations = new Expectations(clock);
    const [made, gone] = [pod('made'), pod('gone')];
    expectations.created('o', made, undefined);
    expectations.deleted('o', gone, gone);
    assert.equal(expectations.waitMs('o'), 300_000);
    assert.equal(expectations.waitMs('another'), 0);
    expectations.seen('o', gone);
    expectations.seen('o', made);
    await clock.advance(60_000);
    assert.equal(expectations.waitMs('o'), 240_000, 'the deletion is not seen yet');
    expectations.seen('o', { ...gone, metadata: { ...gone.metadata, deletionTimestamp: 'now' } });
    assert.equal(expectations.waitMs('o'), 0);
    expectations.created('o', made, undefined);
    await clock.advance(300_000);
    assert.equal(expectations.waitMs('o'), 0);
  });

  it('do not wait for what the cache shows already', () => {
    const expectations = new Expectations(new FakeClock());
    const one = pod('one');
    expectations.created('o', one, one);
    expectations.deleted('o', one, undefined);
    assert.equal(expectations.waitMs('o'), 0);
    expectations.created('o', one, undefined);
    expectations.gone('o', one);
    assert.equal(expectations.waitMs('o'), 0);
  });
});

describe('the next status', () => {
  it('leaves out what says nothing, but for what is always there', () => {
    const stored = { replicas: 1, ready: 1, conditions: [{ type: 'A' }] };
    assert.equal(nextStatus(stored, { ...stored }), undefined);
    assert.equal(nextStatus<{ a?: number; b?: string; c?: [] }>({}, { a: 0, b: '', c: [] }), undefined);
    assert.deepEqual(nextStatus(stored, { replicas: 0, ready: 0, conditions: [] }, ['replicas']), {
      replicas: 0,
    });
    assert.deepEqual(nextStatus<{ a?: number; b?: number }>({ a: 1 }, { b: 2 }), { a: 1, b: 2 });
  });
});
