import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CSINode, Node, NodeSelectorTerm, StorageClass } from '../../../kube/index.ts';
import type { TopologyTerm } from '../topology-term.ts';
import { clusterSegments, itemOf, segmentOfTerm, takesFrom, wantedItems } from './wanted.ts';

const DRIVER = 'disk.example.com';

interface TestNode {
  readonly keys?: readonly string[] | undefined;
  readonly labels?: Readonly<Record<string, string>>;
  readonly without?: 'Node' | 'CSINode';
  readonly driver?: string;
}

function segmentsOf(...given: readonly TestNode[]): readonly TopologyTerm[] {
  const csiNodes: CSINode[] = [];
  const nodes = new Map<string, Node>();
  for (const [index, { keys, labels = {}, without, driver = DRIVER }] of given.entries()) {
    const name = `node-${index}`;
    const drivers = keys ? [{ name: driver, nodeID: name, topologyKeys: [...keys] }] : [];
    if (without !== 'CSINode') csiNodes.push({ metadata: { name }, spec: { drivers } });
    if (without !== 'Node') nodes.set(name, { metadata: { name, labels } });
  }
  return clusterSegments(DRIVER, csiNodes, (name) => nodes.get(name));
}

const local = (name: string): TestNode => ({ keys: ['node'], labels: { node: name } });
const region = { region: 'US', city: 'NY', rack: '1' };
const deep = { keys: ['region', 'city', 'rack'], labels: region };
const DEEP: TopologyTerm = [
  ['city', 'NY'],
  ['rack', '1'],
  ['region', 'US'],
];

describe('the segments of a cluster', () => {
  const ONE: TopologyTerm = [['node', 'one']];
  const TWO: TopologyTerm = [['node', 'two']];
  const cases: [what: string, nodes: readonly TestNode[], segments: readonly TopologyTerm[]][] = [
    ['no nodes', [], []],
    ['one node', [local('one')], [ONE]],
    ['a node without its CSINode', [{ ...local('one'), without: 'CSINode' }], []],
    ['a CSINode without its node', [{ ...local('one'), without: 'Node' }], []],
    ['a node whose labels are not there yet', [{ keys: ['node'] }], []],
    ['two nodes', [local('one'), local('two')], [ONE, TWO]],
    ['two nodes with shared storage', [local('one'), local('one')], [ONE]],
    ['several keys', [deep, deep], [DEEP]],
    ['different keys', [local('one'), deep], [ONE, DEEP]],
    [
      'a partial match',
      [deep, { ...deep, labels: { ...region, rack: '2' } }],
      [DEEP, [DEEP[0]!, ['rack', '2'], DEEP[2]!]],
    ],
    ['keys in another order', [deep, { ...deep, keys: ['rack', 'region', 'city'] }], [DEEP]],
    ['another driver', [{ ...local('one'), driver: 'other' }], []],
    ['no driver', [{ labels: { node: 'one' } }], []],
    ['a driver without topology', [{ keys: [] }, { keys: [] }], [[]]],
  ];
  for (const [what, nodes, segments] of cases)
    it(what, () => assert.deepEqual(segmentsOf(...nodes), segments));
});

describe('the objects that there should be', () => {
  const classes: StorageClass[] = [
    { metadata: { name: 'late' }, provisioner: DRIVER, volumeBindingMode: 'WaitForFirstConsumer' },
    { metadata: { name: 'soon' }, provisioner: DRIVER, volumeBindingMode: 'Immediate' },
    { metadata: { name: 'other' }, provisioner: 'other', volumeBindingMode: 'WaitForFirstConsumer' },
  ];
  const segments: TopologyTerm[] = [[['node', 'one']], [['node', 'two']]];
  const wanted = (immediateBinding: boolean) =>
    wantedItems(DRIVER, classes, segments, { immediateBinding }).map(
      ({ storageClass, segment }) => `${storageClass} ${segment[0]?.[1]}`,
    );

  it('are one for each class that binds late in each segment', () =>
    assert.deepEqual(wanted(false), ['late one', 'late two']));
  it('are those of other classes too where somebody wants them', () =>
    assert.deepEqual(wanted(true), ['late one', 'late two', 'soon one', 'soon two']));
});

describe('what an object is of', () => {
  const object = { storageClassName: 'late' };
  it('is its class and the segment of its labels, in any order', () =>
    assert.deepEqual(itemOf({ ...object, nodeTopology: { matchLabels: { b: '2', a: '1' } } }), {
      storageClass: 'late',
      segment: [
        ['a', '1'],
        ['b', '2'],
      ],
    }));
  it('is every node for an empty selector', () =>
    assert.deepEqual(itemOf({ ...object, nodeTopology: {} }), { storageClass: 'late', segment: [] }));
  it('is nothing of ours without a selector, or with expressions', () => {
    assert.equal(itemOf(object), undefined);
    const matchExpressions = [{ key: 'a', operator: 'Exists' }];
    assert.equal(itemOf({ ...object, nodeTopology: { matchExpressions } }), undefined);
  });
});

describe('the segment of a volume', () => {
  const match = (key: string, ...values: string[]) => ({ key, operator: 'In', values });
  const good: [what: string, term: NodeSelectorTerm, segment: TopologyTerm][] = [
    ['one label', { matchExpressions: [match('foo', 'bar')] }, [['foo', 'bar']]],
    [
      'several, sorted',
      { matchExpressions: [match('z', '2'), match('a', '1')] },
      [
        ['a', '1'],
        ['z', '2'],
      ],
    ],
  ];
  for (const [what, term, segment] of good) it(what, () => assert.deepEqual(segmentOfTerm(term), segment));

  const bad: [what: string, term: NodeSelectorTerm, error: RegExp][] = [
    ['fields', { matchFields: [match('metadata.name', 'n')] }, /MatchFields not empty/],
    [
      'an operator',
      { matchExpressions: [{ key: 'foo', operator: 'Exists' }] },
      /unexpected operator: Exists/,
    ],
    [
      'several values',
      { matchExpressions: [match('foo', 'a', 'b')] },
      /need exactly one label value, got: \[a b\]/,
    ],
  ];
  for (const [what, term, error] of bad)
    it(`is unknown for ${what}`, () => {
      assert.throws(() => segmentOfTerm(term), error);
      assert.equal(takesFrom([['foo', 'bar']], [term]), false);
    });

  it('is that very one: neither a part of it nor more', () => {
    const terms = [{ matchExpressions: [match('foo', 'X'), match('bar', 'Y')] }];
    const takes = (...segment: TopologyTerm) => takesFrom(segment, terms);
    assert.equal(takes(['bar', 'Y'], ['foo', 'X']), true);
    assert.equal(takes(['foo', 'X']), false);
    assert.equal(takes(['bar', 'Y'], ['foo', 'X'], ['zoo', 'Z']), false);
    assert.equal(takes(['bar', 'Y'], ['foo', 'Z']), false);
  });
});
