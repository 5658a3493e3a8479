import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compare } from './compare.ts';
import { fieldsOf } from './fields-of.ts';
import { merge, removeFields } from './merge.ts';
import { rememberedSet } from './outline.ts';
import { shapeOfKind } from './shape.ts';
import { misfits } from './validate.ts';

const pod = shapeOfKind('', 'v1', 'Pod');
const free = shapeOfKind('example.com', 'v1', 'Unknown');
const named = (...names: string[]) => ({ spec: { containers: names.map((name) => ({ name })) } });
const finalizers = (...names: string[]) => ({ metadata: { finalizers: names } });

describe('merging an applied configuration', () => {
  const cases: [string, object, object, object][] = [
    [
      'keeps what it does not name',
      { spec: { hostname: 'h' } },
      { spec: { nodeName: 'n' } },
      { spec: { hostname: 'h', nodeName: 'n' } },
    ],
    ['appends new items of keyed lists', named('a', 'b'), named('c'), named('a', 'b', 'c')],
    ['orders shared items as it does', named('a', 'b', 'c'), named('c', 'b', 'a'), named('c', 'b', 'a')],
    [
      'keeps live items where they are',
      named('a', 'x', 'b'),
      named('a', 'b', 'c'),
      named('a', 'x', 'b', 'c'),
    ],
    ['puts new items in front where it does', named('b', 'c'), named('a', 'b'), named('a', 'b', 'c')],
    [
      'merges sets by value',
      finalizers('a/a', 'b/b'),
      finalizers('b/b', 'c/c'),
      finalizers('a/a', 'b/b', 'c/c'),
    ],
    [
      'replaces atomic lists, maps and objects',
      {
        spec: {
          tolerations: [{ key: 'a' }],
          nodeSelector: { a: '1' },
          containers: [{ name: 'a', command: ['x', 'y'] }],
        },
      },
      {
        spec: {
          tolerations: [{ key: 'b' }],
          nodeSelector: { b: '1' },
          containers: [{ name: 'a', command: ['z'] }],
        },
      },
      {
        spec: {
          tolerations: [{ key: 'b' }],
          nodeSelector: { b: '1' },
          containers: [{ name: 'a', command: ['z'] }],
        },
      },
    ],
    [
      'keeps a map that it names as null',
      { metadata: { labels: { a: '1' } } },
      { metadata: { labels: null } },
      { metadata: { labels: { a: '1' } } },
    ],
    [
      'sets a plain value to null',
      { spec: { hostname: 'h' } },
      { spec: { hostname: null } },
      { spec: { hostname: null } },
    ],
  ];
  for (const [name, live, config, expected] of cases)
    it(name, () => assert.deepEqual(merge(pod, live, config), expected));

  it('merges objects and replaces lists without a schema', () => {
    const live = { spec: { list: [{ name: 'a' }], map: { x: 1 } } };
    const config = { spec: { list: [{ name: 'b' }], map: { y: 2 } } };
    assert.deepEqual(merge(free, live, config), { spec: { list: [{ name: 'b' }], map: { x: 1, y: 2 } } });
  });
});

describe('fields', () => {
  it('of a configuration are its leaves, items and bare objects', () => {
    const config = {
      metadata: { labels: { a: '1' }, finalizers: ['x/y'] },
      spec: { containers: [{ name: 'a' }], volumes: [{ name: 'v', emptyDir: {} }], nodeSelector: { a: 'b' } },
    };
    assert.deepEqual(fieldsOf(pod, config), {
      'f:metadata': { 'f:finalizers': { 'v:"x/y"': {} }, 'f:labels': { 'f:a': {} } },
      'f:spec': {
        'f:containers': { 'k:{"name":"a"}': { '.': {}, 'f:name': {} } },
        'f:nodeSelector': {},
        'f:volumes': { 'k:{"name":"v"}': { '.': {}, 'f:emptyDir': {}, 'f:name': {} } },
      },
    });
  });

  it('differ where values do: added, modified, removed', () => {
    const before = {
      metadata: { labels: { a: '1', b: '1' } },
      spec: { containers: [{ name: 'a', image: 'x' }] },
    };
    const after = {
      metadata: { labels: { b: '2', c: '1' } },
      spec: { containers: [{ name: 'a', image: 'y' }, { name: 'b' }] },
    };
    assert.deepEqual(compare(pod, before, after), {
      added: {
        'f:metadata': { 'f:labels': { 'f:c': {} } },
        'f:spec': { 'f:containers': { 'k:{"name":"b"}': { '.': {}, 'f:name': {} } } },
      },
      modified: {
        'f:metadata': { 'f:labels': { 'f:b': {} } },
        'f:spec': { 'f:containers': { 'k:{"name":"a"}': { 'f:image': {} } } },
      },
      removed: { 'f:metadata': { 'f:labels': { 'f:a': {} } } },
    });
  });

  it('are removed with what is below them; what is emptied becomes null', () => {
    const value = { metadata: { labels: { a: '1' }, annotations: { b: '1', c: '1' } } };
    const set = { 'f:metadata': { 'f:annotations': { 'f:b': {} }, 'f:labels': { 'f:a': {} } } };
    assert.deepEqual(removeFields(pod, value, set), { metadata: { labels: null, annotations: { c: '1' } } });
  });

  it('are worked out once for objects that differ in their values alone', () => {
    let made = 0;
    const make = () => {
      made++;
      return {};
    };
    const one = rememberedSet(pod, { metadata: { labels: { a: '1' } } }, make);
    assert.equal(rememberedSet(pod, { metadata: { labels: { a: '2' } } }, make), one);
    rememberedSet(pod, { metadata: { labels: { b: '1' } } }, make);
    rememberedSet(pod, named('a'), make);
    rememberedSet(pod, named('b'), make);
    assert.equal(made, 4);
  });
});

describe('what does not fit the schema', () => {
  const cases: [object, RegExp][] = [
    [{ spec: { hostname: 'h', nope: 1 } }, /^\.spec\.nope: field not declared in schema$/],
    [
      { spec: { containers: [{ name: 'a' }, { name: 'a' }] } },
      /^\.spec\.containers: duplicate entries for key \[name="a"\]$/,
    ],
    [
      {
        spec: {
          containers: [{ name: 'c', ports: [{ containerPort: 80 }, { containerPort: 80, protocol: 'TCP' }] }],
        },
      },
      /^\.spec\.containers\[name="c"\]\.ports: duplicate entries for key \[containerPort=80,protocol="TCP"\]$/,
    ],
    [
      { spec: { containers: [{ image: 'a' }, { image: 'b' }] } },
      /^\.spec\.containers: duplicate entries for key \[name=""\]$/,
    ],
    [{ spec: { priority: '1' } }, /^\.spec\.priority: expected numeric \(int or float\), got string$/],
    [
      { spec: { priority: {} } },
      /^\.spec\.priority: expected numeric \(int or float\), got map\[string\]interface \{\}$/,
    ],
    [{ spec: { hostPID: 'yes' } }, /^\.spec\.hostPID: expected boolean, got &\{yes\}$/],
    [
      { spec: { hostname: { a: 1 } } },
      /^\.spec\.hostname: expected string, got &value\.valueUnstructured\{Value:map\[string\]interface \{\}\{"a":1\}\}$/,
    ],
    [
      { spec: { nodeSelector: { a: 1 } } },
      /^\.spec\.nodeSelector\.a: expected string, got &value\.valueUnstructured\{Value:1\}$/,
    ],
    [
      { spec: { tolerations: [{ key: true }] } },
      /^\.spec\.tolerations\[0\]\.key: expected string, got &value\.valueUnstructured\{Value:true\}$/,
    ],
    [
      { spec: { containers: [{ name: 'c', resources: { limits: { cpu: [] } } }] } },
      /^\.spec\.containers\[name="c"\]\.resources\.limits\.cpu: expected any scalar, got &\{\[\]\}$/,
    ],
    [{ spec: { containers: {} } }, /^\.spec\.containers: expected list/],
    [{ spec: [] }, /^\.spec: expected map/],
    [{ spec: { nodeSelector: 'x' } }, /^\.spec\.nodeSelector: expected map/],
    [{ metadata: { finalizers: [{}] } }, /^\.metadata\.finalizers: element 0: /],
  ];
  for (const [config, why] of cases)
    it(JSON.stringify(config), () => {
      const found = misfits(pod, config);
      assert.equal(found.length, 1);
      assert.match(found[0]!, why);
    });
});
