import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  difference,
  EMPTY,
  type FieldSet,
  FieldSetBuilder,
  intersection,
  isEmpty,
  paths,
  union,
} from './field-set.ts';
import { formatPath, readFieldSet } from './path-element.ts';

const setOf = (list: readonly (readonly string[])[]): FieldSet => {
  const builder = new FieldSetBuilder();
  for (const path of list) builder.add(path);
  return builder.build();
};
const textsOf = (set: FieldSet) => new Set([...paths(set)].map((path) => path.join('/')));

const path = fc.array(fc.constantFrom('f:a', 'f:b', 'v:"x"', 'k:{"name":"n"}'), {
  minLength: 1,
  maxLength: 3,
});
const set = fc.array(path, { maxLength: 8 }).map(setOf);

describe('a set of fields', () => {
  it('is as the algebra of its paths', () => {
    fc.assert(
      fc.property(set, set, (a, b) => {
        const [inA, inB] = [textsOf(a), textsOf(b)];
        assert.deepEqual(textsOf(union(a, b)), inA.union(inB));
        assert.deepEqual(textsOf(intersection(a, b)), inA.intersection(inB));
        assert.deepEqual(textsOf(difference(a, b)), inA.difference(inB));
        assert.deepEqual(union(difference(a, b), intersection(a, b)), a);
      }),
    );
  });

  it('shares what does not change', () => {
    fc.assert(
      fc.property(set, (a) => {
        assert.equal(union(a, a), a);
        assert.equal(union(a, EMPTY), a);
        assert.equal(intersection(a, a), a);
        assert.equal(difference(a, EMPTY), a);
        assert.ok(isEmpty(difference(a, a)));
      }),
    );
  });

  it('is written as FieldsV1 and read back', () => {
    const fields = setOf([['f:labels'], ['f:labels', 'f:app'], ['f:spec', 'f:replicas']]);
    assert.equal(JSON.stringify(fields), '{"f:labels":{".":{},"f:app":{}},"f:spec":{"f:replicas":{}}}');
    fc.assert(fc.property(set, (a) => assert.deepEqual(readFieldSet(JSON.parse(JSON.stringify(a))), a)));
  });

  it('is read whatever the order and spaces of its keys, without elements nobody knows', () => {
    const sent = { 'x:future': {}, 'f:ports': { 'k:{"protocol": "TCP", "containerPort": 80}': { '.': {} } } };
    assert.deepEqual(readFieldSet(sent), {
      'f:ports': { 'k:{"containerPort":80,"protocol":"TCP"}': {} },
    });
    for (const bad of [[], 'f:a', { a: {} }, { 'f:a': 1 }, { 'k:{': {} }, { 'v:x': {} }, { 'i:x': {} }])
      assert.throws(() => readFieldSet(bad), Error, JSON.stringify(bad));
  });

  it('shows a path as messages do', () => {
    const key = 'k:{"containerPort":80,"protocol":"TCP"}';
    assert.equal(
      formatPath(['f:spec', 'f:ports', key, 'f:name']),
      '.spec.ports[containerPort=80,protocol="TCP"].name',
    );
    assert.equal(formatPath(['f:finalizers', 'v:"a/b"']), '.finalizers[="a/b"]');
    assert.equal(formatPath(['f:x', 'i:2']), '.x[2]');
  });
});
