import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { findModel } from '../schema/index.ts';
import { jsonPatch, PatchError } from './json-patch.ts';
import { mergePatch } from './merge-patch.ts';
import { strategicMergePatch } from './strategic.ts';

describe('JSON patch (RFC 6902, the vectors of its appendix)', () => {
  const cases: [string, unknown, unknown[], unknown][] = [
    [
      'adds a member',
      { foo: 'bar' },
      [{ op: 'add', path: '/baz', value: 'qux' }],
      { foo: 'bar', baz: 'qux' },
    ],
    [
      'adds to a list',
      { foo: ['bar', 'baz'] },
      [{ op: 'add', path: '/foo/1', value: 'qux' }],
      { foo: ['bar', 'qux', 'baz'] },
    ],
    [
      'adds to the end of a list',
      { foo: ['bar'] },
      [{ op: 'add', path: '/foo/-', value: ['abc'] }],
      { foo: ['bar', ['abc']] },
    ],
    ['removes a member', { baz: 'qux', foo: 'bar' }, [{ op: 'remove', path: '/baz' }], { foo: 'bar' }],
    [
      'removes an item',
      { foo: ['bar', 'qux', 'baz'] },
      [{ op: 'remove', path: '/foo/1' }],
      { foo: ['bar', 'baz'] },
    ],
    [
      'replaces',
      { baz: 'qux', foo: 'bar' },
      [{ op: 'replace', path: '/baz', value: 'boo' }],
      { baz: 'boo', foo: 'bar' },
    ],
    [
      'moves',
      { foo: { bar: 'baz', waldo: 'fred' }, qux: { corge: 'grault' } },
      [{ op: 'move', from: '/foo/waldo', path: '/qux/thud' }],
      { foo: { bar: 'baz' }, qux: { corge: 'grault', thud: 'fred' } },
    ],
    [
      'moves in a list',
      { foo: ['all', 'grass', 'cows', 'eat'] },
      [{ op: 'move', from: '/foo/1', path: '/foo/3' }],
      { foo: ['all', 'cows', 'eat', 'grass'] },
    ],
    ['copies', { a: { b: 1 } }, [{ op: 'copy', from: '/a', path: '/c' }], { a: { b: 1 }, c: { b: 1 } }],
    [
      'tests',
      { baz: 'qux', foo: ['a', 2, 'c'] },
      [
        { op: 'test', path: '/baz', value: 'qux' },
        { op: 'test', path: '/foo/1', value: 2 },
      ],
      { baz: 'qux', foo: ['a', 2, 'c'] },
    ],
    [
      'reads escapes',
      { '/': 9, '~1': 10 },
      [
        { op: 'test', path: '/~01', value: 10 },
        { op: 'remove', path: '/~1' },
      ],
      { '~1': 10 },
    ],
    [
      'changes a copy alone',
      { a: { b: { c: 1 } } },
      [
        { op: 'add', path: '/a/b/d', value: 2 },
        { op: 'copy', from: '/a', path: '/e' },
        { op: 'remove', path: '/e/b/c' },
        { op: 'add', path: '/a/b/f', value: 3 },
      ],
      { a: { b: { c: 1, d: 2, f: 3 } }, e: { b: { d: 2 } } },
    ],
    // Where upstream's library takes more than the RFC.
    ['replaces what is absent', {}, [{ op: 'replace', path: '/a', value: 1 }], { a: 1 }],
    ['tests what is absent for null', {}, [{ op: 'test', path: '/a', value: null }], {}],
    ['copies what is absent as null', {}, [{ op: 'copy', from: '/a', path: '/b' }], { b: null }],
    ['adds null without a value', {}, [{ op: 'add', path: '/a' }], { a: null }],
    ['counts from the end', { a: [1, 2] }, [{ op: 'remove', path: '/a/-1' }], { a: [1] }],
    ['adds at the end by -1', { a: [1] }, [{ op: 'add', path: '/a/-1', value: 2 }], { a: [1, 2] }],
    ['reads 01 as 1', { a: [1, 2] }, [{ op: 'replace', path: '/a/01', value: 3 }], { a: [1, 3] }],
    ['passes over what stands before the first slash', {}, [{ op: 'add', path: 'x/a', value: 1 }], { a: 1 }],
  ];
  for (const [name, document, patch, expected] of cases) {
    it(name, () => {
      const before = structuredClone(document);
      assert.deepEqual(jsonPatch(document, patch), expected);
      assert.deepEqual(document, before);
    });
  }

  const refused: [string, unknown, unknown][] = [
    ['a failing test', { baz: 'qux' }, [{ op: 'test', path: '/baz', value: 'bar' }]],
    ['a parent that is absent', { foo: 'bar' }, [{ op: 'add', path: '/baz/bat', value: 'qux' }]],
    ['removing what is absent', {}, [{ op: 'remove', path: '/a' }]],
    ['replacing an item that is absent', { a: [] }, [{ op: 'replace', path: '/a/0', value: 1 }]],
    ['adding the whole document', {}, [{ op: 'add', path: '', value: {} }]],
    ['a path without a slash', {}, [{ op: 'add', path: 'a', value: 1 }]],
    [
      'copies that double',
      { a: ['x'.repeat(100)] },
      Array.from({ length: 40 }, () => ({ op: 'copy', from: '/a', path: '/a/-' })),
    ],
    ['an index out of range', { foo: [] }, [{ op: 'add', path: '/foo/2', value: 1 }]],
    ['a number as text', { '/': 9, '~1': 10 }, [{ op: 'test', path: '/~01', value: '10' }]],
    ['an unknown operation', {}, [{ op: 'spam', path: '/a' }]],
    ['no list', {}, { op: 'add', path: '/a', value: 1 }],
    ['an inherited name', {}, [{ op: 'test', path: '/constructor', value: 1 }]],
  ];
  for (const [name, document, patch] of refused) {
    it(`refuses ${name}`, () => assert.throws(() => jsonPatch(document, patch), PatchError));
  }
});

describe('JSON merge patch (RFC 7386, the vectors of its appendix)', () => {
  const cases: [unknown, unknown, unknown][] = [
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b' }, { a: null }, {}],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [
      ['a', 'b'],
      ['c', 'd'],
      ['c', 'd'],
    ],
    [{ a: 'b' }, ['c'], ['c']],
    [{ a: 'foo' }, null, null],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: 'b', c: null }, { a: 'b' }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ];
  for (const [document, patch, expected] of cases) {
    it(`${JSON.stringify(document)} + ${JSON.stringify(patch)}`, () => {
      assert.deepEqual(mergePatch(document, patch), expected);
    });
  }

  it('applied twice is the same as once', () => {
    const json = fc.object({ values: [fc.integer(), fc.constant(null), fc.string()], maxDepth: 3 });
    fc.assert(
      fc.property(json, json, (document, patch) => {
        const once = mergePatch(document, patch);
        assert.deepEqual(mergePatch(once, patch), once);
      }),
    );
  });

  it('keeps __proto__ a plain field', () => {
    const merged = mergePatch({}, JSON.parse('{"__proto__":{"polluted":true}}')) as object;
    assert.equal(({} as { polluted?: boolean }).polluted, undefined);
    assert.deepEqual(Object.keys(merged), ['__proto__']);
  });
});

describe('strategic merge patch', () => {
  const pod = (spec: object, metadata: object = {}) => ({ metadata, spec });
  const containers = [
    { name: 'a', image: 'a:1', env: [{ name: 'X', value: '1' }] },
    { name: 'b', image: 'b:1' },
  ];
  const cases: [string, object, object, object][] = [
    [
      'merges list items by their key and appends new ones',
      pod({ containers }),
      pod({
        containers: [
          { name: 'b', image: 'b:2' },
          { name: 'c', image: 'c:1' },
        ],
      }),
      pod({ containers: [containers[0], { name: 'b', image: 'b:2' }, { name: 'c', image: 'c:1' }] }),
    ],
    [
      'merges lists in list items',
      pod({ containers }),
      pod({ containers: [{ name: 'a', env: [{ name: 'Y', value: '2' }] }] }),
      pod({
        containers: [
          {
            name: 'a',
            image: 'a:1',
            env: [
              // As upstream: what only the patch has stands before what only the server has.
              { name: 'Y', value: '2' },
              { name: 'X', value: '1' },
            ],
          },
          containers[1],
        ],
      }),
    ],
    [
      'deletes an item with $patch: delete',
      pod({ containers }),
      pod({ containers: [{ name: 'a', $patch: 'delete' }] }),
      pod({ containers: [containers[1]] }),
    ],
    [
      'replaces a list with $patch: replace',
      pod({ containers }),
      pod({ containers: [{ $patch: 'replace' }, { name: 'z', image: 'z' }] }),
      pod({ containers: [{ name: 'z', image: 'z' }] }),
    ],
    [
      'replaces an object with $patch: replace',
      pod({ securityContext: { runAsUser: 1, fsGroup: 2 } }),
      pod({ securityContext: { $patch: 'replace', fsGroup: 3 } }),
      pod({ securityContext: { fsGroup: 3 } }),
    ],
    [
      'deletes an object with $patch: delete',
      pod({ securityContext: { fsGroup: 2 } }),
      pod({ securityContext: { $patch: 'delete' } }),
      pod({}),
    ],
    [
      'replaces lists without a merge key',
      pod({ tolerations: [{ key: 'a' }] }),
      pod({ tolerations: [{ key: 'b' }] }),
      pod({ tolerations: [{ key: 'b' }] }),
    ],
    [
      'merges finalizers as a set',
      pod({}, { finalizers: ['a/x', 'b/x'] }),
      pod({}, { finalizers: ['b/x', 'c/x'] }),
      pod({}, { finalizers: ['a/x', 'b/x', 'c/x'] }),
    ],
    [
      'takes values from a list with $deleteFromPrimitiveList',
      pod({}, { finalizers: ['a/x', 'b/x'] }),
      { metadata: { '$deleteFromPrimitiveList/finalizers': ['a/x'] } },
      pod({}, { finalizers: ['b/x'] }),
    ],
    [
      'orders a list with $setElementOrder',
      pod({ containers }),
      pod({
        '$setElementOrder/containers': [{ name: 'c' }, { name: 'a' }],
        containers: [{ name: 'c', image: 'c:1' }],
      }),
      pod({ containers: [{ name: 'c', image: 'c:1' }, containers[0], containers[1]] }),
    ],
    [
      'keeps only the named fields with $retainKeys',
      pod({ volumes: [{ name: 'v', emptyDir: {} }] }),
      pod({ volumes: [{ name: 'v', $retainKeys: ['name', 'hostPath'], hostPath: { path: '/x' } }] }),
      pod({ volumes: [{ name: 'v', hostPath: { path: '/x' } }] }),
    ],
    [
      'removes with null',
      pod({ nodeName: 'n', hostname: 'h' }),
      pod({ nodeName: null }),
      pod({ hostname: 'h' }),
    ],
    [
      'drops nulls of what it adds',
      pod({}),
      pod({ securityContext: { runAsUser: null, fsGroup: 1 } }),
      pod({ securityContext: { fsGroup: 1 } }),
    ],
    [
      'merges maps',
      pod({}, { labels: { a: '1', b: '2' } }),
      pod({}, { labels: { b: null, c: '3' } }),
      pod({}, { labels: { a: '1', c: '3' } }),
    ],
    [
      'merges conditions by type',
      { status: { conditions: [{ type: 'A', status: 'True' }] } },
      { status: { conditions: [{ type: 'B', status: 'False' }] } },
      {
        status: {
          conditions: [
            { type: 'B', status: 'False' },
            { type: 'A', status: 'True' },
          ],
        },
      },
    ],
  ];
  const model = findModel('V1Pod');
  for (const [name, document, patch, expected] of cases) {
    it(name, () => {
      const before = structuredClone(document);
      assert.deepEqual(strategicMergePatch(model, document as never, patch as never), expected);
      assert.deepEqual(document, before);
    });
  }

  it('refuses unknown directives and items without their key', () => {
    assert.throws(
      () => strategicMergePatch(model, {}, { spec: { $patch: 'explode' } }),
      /^StatusError: unknown patch type: explode in map: map\[\$patch:explode\]$/,
    );
    assert.throws(
      () =>
        strategicMergePatch(
          model,
          { spec: { containers: [{ name: 'a' }] } },
          { spec: { containers: [{ image: 'x' }] } },
        ),
      /does not contain declared merge key: name/,
    );
  });
});

describe('a merge patch that a local caller hands over', () => {
  it('takes undefined for a key that is not there, as JSON would', () => {
    const patch = { a: undefined, b: { c: undefined, d: 1 } };
    assert.deepEqual(mergePatch({ a: 1, b: { c: 2 } }, patch), { a: 1, b: { c: 2, d: 1 } });
    assert.deepEqual(mergePatch({}, patch), mergePatch({}, JSON.parse(JSON.stringify(patch))));
  });
});
