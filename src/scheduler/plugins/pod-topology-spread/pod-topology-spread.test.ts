import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import fc from 'fast-check';
import {
  controllerReference,
  type ReplicaSet,
  replicaSets,
  services,
  statefulSets,
} from '../../../kube/index.ts';
import { startStack } from '../../../testing/component-stack.ts';
import { Cache } from '../../cache.ts';
import { ADD, DELETE, UPDATE_NODE_LABEL } from '../../cluster-events.ts';
import { newNode, newPod, newPodInfo, type PodFixture, stored } from '../../fixtures.ts';
import { podInfo } from '../../pod-info.ts';
import { helps, scores, verdict } from '../fixtures.ts';
import { ownConstraints } from './constraints.ts';
import { podTopologySpread } from './index.ts';
import { SpreadCounts } from './spread-counts.ts';

const UNEVEN = "node(s) didn't match pod topology spread constraints";
const NO_LABEL = `${UNEVEN} (missing required label)`;

const spread = (more: object = {}): PodFixture => ({
  labels: { app: 'web' },
  topologySpreadConstraints: [
    {
      maxSkew: 1,
      topologyKey: 'zone',
      whenUnsatisfiable: 'DoNotSchedule',
      labelSelector: { matchLabels: { app: 'web' } },
      ...more,
    },
  ],
});

/** A node a zone, with so many pods `app=web` on it. */
function cluster(zones: Readonly<Record<string, number>>): Cache {
  const cache = new Cache();
  for (const [zone, count] of Object.entries(zones)) {
    cache.setNode(newNode(`n-${zone}`, { labels: { zone } }));
    for (let i = 0; i < count; i++) {
      cache.setPod(newPod(`${zone}-${i}`, { labels: { app: 'web' }, nodeName: `n-${zone}` }));
    }
  }
  return cache;
}

async function plugin(test: TestContext, cache: Cache) {
  const { context } = await startStack(test, { watch: [] });
  const of = context.informers;
  return podTopologySpread({
    cluster: cache,
    services: of.of(services),
    replicaSets: of.of(replicaSets),
    statefulSets: of.of(statefulSets),
  });
}

describe('PodTopologySpread filter', () => {
  const table: [string, Record<string, number>, PodFixture, string[]][] = [
    ['even', { a: 1, b: 1 }, spread(), ['fits', 'fits']],
    ['one zone ahead', { a: 1, b: 0 }, spread(), [UNEVEN, 'fits']],
    ['a wider skew', { a: 1, b: 0 }, spread({ maxSkew: 2 }), ['fits', 'fits']],
    ['too few domains', { a: 1, b: 1 }, spread({ minDomains: 3 }), [UNEVEN, UNEVEN]],
    ['only a preference', { a: 1, b: 0 }, spread({ whenUnsatisfiable: 'ScheduleAnyway' }), ['fits', 'fits']],
    ['the pod is not selected itself', { a: 1, b: 0 }, { ...spread(), labels: {} }, ['fits', 'fits']],
    [
      'nodes that the pod cannot use do not count',
      { a: 1, b: 0 },
      { ...spread(), nodeSelector: { zone: 'a' } },
      ['fits', 'fits'],
    ],
    [
      'unless asked for',
      { a: 1, b: 0 },
      { ...spread({ nodeAffinityPolicy: 'Ignore' }), nodeSelector: { zone: 'a' } },
      [UNEVEN, 'fits'],
    ],
    [
      'only pods of its own revision',
      { a: 1, b: 0 },
      { ...spread({ matchLabelKeys: ['rev'] }), labels: { app: 'web', rev: '2' } },
      ['fits', 'fits'],
    ],
    ['a label that no node has', { a: 0 }, spread({ topologyKey: 'rack' }), [NO_LABEL]],
  ];
  for (const [what, zones, fixture, wanted] of table) {
    it(what, async (test) => {
      const cache = cluster(zones);
      const spreading = await plugin(test, cache);
      const all = {
        ...spreading,
        preFilter: (s: never, p: never) => spreading.preFilter!(s, p, cache.nodes()),
      };
      const found = cache.nodes().map((node) => verdict(all as never, newPodInfo('p', fixture), node));
      assert.deepEqual(found, wanted);
    });
  }

  it('counts pods that come and go as if all were counted anew', () => {
    const zone = fc.constantFrom('a', 'b', 'c');
    fc.assert(
      fc.property(fc.array(zone, { maxLength: 8 }), fc.array(zone, { maxLength: 4 }), (first, later) => {
        const pod = newPodInfo('p', spread());
        const constraints = ownConstraints(pod, 'DoNotSchedule');
        const cache = cluster({ a: 0, b: 0, c: 0 });
        const place = (name: string, at: string) =>
          cache.setPod(newPod(name, { labels: { app: 'web' }, nodeName: `n-${at}` }));
        for (const [i, at] of first.entries()) place(`f${i}`, at);
        const counts = SpreadCounts.of(pod, constraints, cache.nodes()).clone();
        // What was found out before a change must not be kept.
        counts.verdict(cache.nodes()[0]!);
        later.forEach((at, i) => {
          place(`l${i}`, at);
          counts.count(newPodInfo(`l${i}`, { labels: { app: 'web' } }), cache.node(`n-${at}`)!, 1);
        });
        const anew = SpreadCounts.of(pod, constraints, cache.nodes());
        for (const node of cache.nodes()) assert.deepEqual(counts.verdict(node), anew.verdict(node));
      }),
    );
  });
});

describe('PodTopologySpread score', () => {
  it('prefers the emptier zone, and gives nothing to nodes without the label', async (test) => {
    const cache = cluster({ a: 4, b: 1, c: 0 });
    cache.setNode(newNode('bare'));
    const soft = newPodInfo('p', spread({ whenUnsatisfiable: 'ScheduleAnyway' }));
    assert.deepEqual(scores(await plugin(test, cache), soft, cache.nodes()), [0, 66, 100, 0]);
  });

  it('skips a pod that asks for nothing and belongs to nobody', async (test) => {
    const cache = cluster({ a: 1, b: 0 });
    assert.equal(
      scores(await plugin(test, cache), newPodInfo('p', { labels: { app: 'web' } }), cache.nodes()),
      'skip',
    );
  });

  it('spreads the pods of a ReplicaSet over hosts and zones by default', async (test) => {
    const cache = cluster({ a: 3, b: 0 });
    const { client, context, until } = await startStack(test, { watch: [replicaSets] });
    const of = context.informers;
    const spreading = podTopologySpread({
      cluster: cache,
      services: of.of(services),
      replicaSets: of.of(replicaSets),
      statefulSets: of.of(statefulSets),
    });
    const template = {
      metadata: { labels: { app: 'web' } },
      spec: { containers: [{ name: 'main', image: 'x' }] },
    };
    const set = stored<ReplicaSet>('ReplicaSet', 'web', {}, 'default');
    await client.create(replicaSets, {
      metadata: { name: 'web', namespace: 'default' },
      spec: { selector: { matchLabels: { app: 'web' } }, template },
    });
    await until('it is known', () => of.of(replicaSets).get('web', 'default'));
    const pod = newPod('p', { labels: { app: 'web' } });
    const ownerReferences = [controllerReference({ ...set, apiVersion: 'apps/v1' })];
    const owned = podInfo({ ...pod, metadata: { ...pod.metadata, ownerReferences } });
    const [a, b] = scores(spreading, owned, cache.nodes()) as number[];
    assert.ok(b! > a!, `${b} > ${a}`);
  });
});

describe('PodTopologySpread hints', () => {
  const pod = newPodInfo('p', spread());
  const placed = newPod('x', { labels: { app: 'web' }, nodeName: 'n' });
  const other = newPod('y', { labels: { app: 'db' }, nodeName: 'n' });
  const inZone = (zone?: string) => newNode('n', { labels: zone ? { zone } : {} });
  it('wakes the pod for what changes the counts only', async (test) => {
    const spreading = await plugin(test, cluster({}));
    assert.equal(helps(spreading, pod, 'Pod', ADD, undefined, placed), true);
    assert.equal(helps(spreading, pod, 'Pod', DELETE, placed, undefined), true);
    assert.equal(helps(spreading, pod, 'Pod', DELETE, other, undefined), false);
    assert.equal(helps(spreading, pod, 'Node', ADD, undefined, inZone('a')), true);
    assert.equal(helps(spreading, pod, 'Node', ADD, undefined, inZone()), false);
    assert.equal(helps(spreading, pod, 'Node', DELETE, inZone('a'), undefined), true);
    assert.equal(helps(spreading, pod, 'Node', UPDATE_NODE_LABEL, inZone('a'), inZone('b')), true);
    assert.equal(helps(spreading, pod, 'Node', UPDATE_NODE_LABEL, inZone('a'), inZone('a')), false);
  });
});
