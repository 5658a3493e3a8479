import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Cache } from '../../cache.ts';
import { ADD, DELETE, UPDATE_NODE_LABEL } from '../../cluster-events.ts';
import { newNode, newNodeInfo, newPod, newPodInfo, type PodFixture, stored } from '../../fixtures.ts';
import { podInfo } from '../../pod-info.ts';
import { helps, listerOf, scores, verdict } from '../fixtures.ts';
import { AffinityCounts } from './counts.ts';
import { interPodAffinity } from './index.ts';

type Rules = PodFixture['affinity'];
const term = (app: string, topologyKey = 'zone', more = {}) => ({
  topologyKey,
  labelSelector: { matchLabels: { app } },
  ...more,
});
const near = (...terms: ReturnType<typeof term>[]): Rules => ({
  podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms },
});
const far = (...terms: ReturnType<typeof term>[]): Rules => ({
  podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms },
});

const NEAR = "node(s) didn't match pod affinity rules";
const FAR = "node(s) didn't match pod anti-affinity rules";
const AVOIDED = "node(s) didn't satisfy existing pods anti-affinity rules";

/** Zones a and b with a node each; `placed` run in zone a. */
function cluster(placed: readonly [name: string, fixture: PodFixture, namespace?: string][]) {
  const cache = new Cache();
  for (const zone of ['a', 'b']) cache.setNode(newNode(`n-${zone}`, { labels: { zone } }));
  cache.setNode(newNode('n-none'));
  for (const [name, fixture, namespace] of placed) {
    const pod = newPod(name, { ...fixture, nodeName: 'n-a' });
    cache.setPod(namespace ? { ...pod, metadata: { ...pod.metadata, namespace } } : pod);
  }
  const namespaces = listerOf(
    stored<object>('Namespace', 'other', { metadata: { labels: { team: 'x' } } }),
    stored<object>('Namespace', 'default', { metadata: { labels: { team: 'y' } } }),
  );
  const plugin = interPodAffinity({ cluster: cache, namespaces: namespaces as never });
  return { cache, plugin };
}

function verdicts(placed: Parameters<typeof cluster>[0], fixture: PodFixture): string[] {
  const { cache, plugin } = cluster(placed);
  // The lists of nodes that plugins see is the cluster's.
  const all = { ...plugin, preFilter: (s: never, p: never) => plugin.preFilter!(s, p, cache.nodes()) };
  return ['n-a', 'n-b', 'n-none'].map((name) =>
    verdict(all as never, newPodInfo('p', fixture), cache.node(name)!),
  );
}

describe('InterPodAffinity filter', () => {
  const db: PodFixture = { labels: { app: 'db' } };
  const table: [string, Parameters<typeof cluster>[0], PodFixture, string[]][] = [
    ['no rules', [['db', db]], {}, ['fits', 'fits', 'fits']],
    ['near', [['db', db]], { affinity: near(term('db')) }, ['fits', NEAR, NEAR]],
    ['near nobody', [], { affinity: near(term('db')) }, [NEAR, NEAR, NEAR]],
    ['the first of a group', [], { ...db, affinity: near(term('db')) }, ['fits', 'fits', NEAR]],
    [
      'near two that are one pod',
      [['both', { labels: { app: 'db', tier: 'x' } }]],
      {
        affinity: near(term('db'), { ...term('db'), labelSelector: { matchLabels: { tier: 'x' } } } as never),
      },
      ['fits', NEAR, NEAR],
    ],
    ['far', [['db', db]], { affinity: far(term('db')) }, [FAR, 'fits', 'fits']],
    [
      'avoided by who is there',
      [['db', { affinity: far(term('web')) }]],
      { labels: { app: 'web' } },
      [AVOIDED, 'fits', 'fits'],
    ],
    [
      'other namespaces do not count',
      [['db', db, 'other']],
      { affinity: far(term('db')) },
      ['fits', 'fits', 'fits'],
    ],
    [
      'but when named',
      [['db', db, 'other']],
      { affinity: far(term('db', 'zone', { namespaces: ['other'] })) },
      [FAR, 'fits', 'fits'],
    ],
    [
      'or selected',
      [['db', db, 'other']],
      { affinity: far(term('db', 'zone', { namespaceSelector: { matchLabels: { team: 'x' } } })) },
      [FAR, 'fits', 'fits'],
    ],
    [
      'or all',
      [['db', db, 'other']],
      { affinity: far(term('db', 'zone', { namespaceSelector: {} })) },
      [FAR, 'fits', 'fits'],
    ],
    [
      'avoided from another namespace',
      [
        [
          'db',
          { affinity: far(term('web', 'zone', { namespaceSelector: { matchLabels: { team: 'y' } } })) },
          'other',
        ],
      ],
      { labels: { app: 'web' } },
      [AVOIDED, 'fits', 'fits'],
    ],
  ];
  for (const [what, placed, fixture, wanted] of table) {
    it(what, () => assert.deepEqual(verdicts(placed, fixture), wanted));
  }

  it('counts a pod that comes and goes as if all were counted anew', () => {
    const pod = fc.record({
      app: fc.constantFrom('db', 'web'),
      zone: fc.constantFrom('a', 'b'),
      rules: fc.constantFrom<Rules>(undefined, far(term('web')), far(term('db')), near(term('db'))),
    });
    fc.assert(
      fc.property(fc.array(pod, { maxLength: 6 }), pod, (placed, waiting) => {
        const nodes = {
          a: newNodeInfo('a', { labels: { zone: 'a' } }),
          b: newNodeInfo('b', { labels: { zone: 'b' } }),
        };
        const info = newPodInfo('p', { labels: { app: waiting.app }, affinity: waiting.rules });
        const infos = placed.map(({ app, rules }, i) =>
          newPodInfo(`p${i}`, { labels: { app }, affinity: rules }),
        );
        const counts = new AffinityCounts(info, () => undefined);
        const nodeOf = (i: number) => nodes[placed[i]!.zone as 'a'].node;
        for (const [i, other] of infos.entries()) counts.count(other, nodeOf(i), 1);
        const kept = new AffinityCounts(info, () => undefined);
        for (const [i, other] of infos.entries()) {
          if (i % 2 === 1) continue;
          kept.countOwnRules(other, nodeOf(i), 1);
          kept.countItsRules(other, nodeOf(i), 1);
        }
        const copy = counts.clone();
        for (const [i, other] of infos.entries()) if (i % 2 === 1) copy.count(other, nodeOf(i), -1);
        for (const node of Object.values(nodes)) assert.deepEqual(copy.verdict(node), kept.verdict(node));
      }),
    );
  });
});

describe('InterPodAffinity score', () => {
  const prefer = (weight: number, app: string) => ({ weight, podAffinityTerm: term(app) });
  const table: [string, PodFixture, PodFixture, number[] | 'skip'][] = [
    ['nobody has rules', {}, {}, 'skip'],
    [
      'prefers',
      { labels: { app: 'db' } },
      { affinity: { podAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [prefer(5, 'db')] } } },
      [100, 0, 0],
    ],
    [
      'prefers not',
      { labels: { app: 'db' } },
      {
        affinity: { podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [prefer(5, 'db')] } },
      },
      [0, 100, 100],
    ],
    [
      'is preferred',
      { affinity: { podAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [prefer(5, 'web')] } } },
      { labels: { app: 'web' } },
      [100, 0, 0],
    ],
    ['is required by who is there', { affinity: near(term('web')) }, { labels: { app: 'web' } }, [100, 0, 0]],
  ];
  for (const [what, placed, fixture, wanted] of table) {
    it(what, () => {
      const { cache, plugin } = cluster([['there', placed]]);
      const nodes = ['n-a', 'n-b', 'n-none'].map((name) => cache.node(name)!);
      assert.deepEqual(scores(plugin, newPodInfo('p', fixture), nodes), wanted);
    });
  }
});

describe('InterPodAffinity hints', () => {
  const { plugin } = cluster([]);
  const wants = newPodInfo('p', { affinity: near(term('db')) });
  const shuns = newPodInfo('p', { affinity: far(term('db')) });
  const db = newPod('db', { labels: { app: 'db' }, nodeName: 'n' });
  const web = newPod('web', { labels: { app: 'web' }, nodeName: 'n' });
  const inZone = (zone?: string) => newNode('n', { labels: zone ? { zone } : {} });
  const table: [string, boolean, boolean][] = [
    ['a wanted pod comes', helps(plugin, wants, 'Pod', ADD, undefined, db), true],
    ['another comes', helps(plugin, wants, 'Pod', ADD, undefined, web), false],
    ['an unwanted one goes', helps(plugin, shuns, 'Pod', DELETE, db, undefined), true],
    ['another goes', helps(plugin, shuns, 'Pod', DELETE, web, undefined), false],
    [
      'one goes that shunned it',
      helps(
        plugin,
        podInfo(db),
        'Pod',
        DELETE,
        newPod('x', { nodeName: 'n', affinity: far(term('db')) }),
        undefined,
      ),
      true,
    ],
    [
      'one without a node goes',
      helps(plugin, shuns, 'Pod', DELETE, newPod('db', { labels: { app: 'db' } }), undefined),
      false,
    ],
    ['a node of a zone comes', helps(plugin, wants, 'Node', ADD, undefined, inZone('a')), true],
    ['a node of no zone comes', helps(plugin, wants, 'Node', ADD, undefined, inZone()), false],
    ['any node comes, for one that shuns', helps(plugin, shuns, 'Node', ADD, undefined, inZone()), true],
    ['a node moves', helps(plugin, shuns, 'Node', UPDATE_NODE_LABEL, inZone('a'), inZone('b')), true],
    ['a node stays', helps(plugin, shuns, 'Node', UPDATE_NODE_LABEL, inZone('a'), inZone('a')), false],
  ];
  for (const [what, found, wanted] of table) it(what, () => assert.equal(found, wanted));
});
