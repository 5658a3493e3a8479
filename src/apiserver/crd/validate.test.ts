import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { coerce } from './coerce.ts';
import { SPEC } from './fixtures.ts';
import { validateLists } from './lists.ts';
import { goRegExp, PatternError } from './regexp.ts';
import { structuralOf } from './structural.ts';
import { validateValue } from './validate.ts';

const schema = { type: 'object', properties: { spec: SPEC } };
const root = structuralOf(schema, true);

describe('values against a schema', () => {
  const cases: readonly (readonly [spec: unknown, field: string, message: string])[] = [
    [{ color: 'blue' }, 'spec.color', 'Unsupported value: "blue": supported values: "red", "green"'],
    [{}, 'spec.color', 'Required value'],
    [5, 'spec', 'Invalid value: "integer": spec in body must be of type object: "integer"'],
    [null, 'spec', 'Invalid value: "null": spec in body must be of type object: "null"'],
    [
      { color: 'red', replicas: 'x' },
      'spec.replicas',
      'Invalid value: "string": spec.replicas in body must be of type integer: "string"',
    ],
    [
      { color: 'red', replicas: 11 },
      'spec.replicas',
      'Invalid value: 11: spec.replicas in body should be less than or equal to 10',
    ],
    [
      { color: 'red', replicas: -1 },
      'spec.replicas',
      'Invalid value: -1: spec.replicas in body should be greater than or equal to 0',
    ],
    [
      { color: 'red', name: 'a' },
      'spec.name',
      'Invalid value: "a": spec.name in body should be at least 2 chars long',
    ],
    [{ color: 'red', name: 'abcdef' }, 'spec.name', 'Too long: may not be more than 5 bytes'],
    [
      { color: 'red', name: 'AA' },
      'spec.name',
      'Invalid value: "AA": spec.name in body should match \'^[a-z]+$\'',
    ],
    [
      { color: 'red', port: true },
      'spec.port',
      'Invalid value: "boolean": spec.port in body must be of type integer,string: "boolean"',
    ],
    [
      { color: 'red', when: 'x' },
      'spec.when',
      'Invalid value: "x": spec.when in body must be of type date-time: "x"',
    ],
    [
      { color: 'red', tags: [1] },
      'spec.tags[0]',
      'Invalid value: "integer": spec.tags[0] in body must be of type string: "integer"',
    ],
    [
      { color: 'red', ports: [1, 2, 3, 4].map((port) => ({ port })) },
      'spec.ports',
      'Too many: 4: must have at most 3 items',
    ],
    [{ color: 'red', ports: [{}] }, 'spec.ports[0].port', 'Required value'],
    [
      { color: 'red', one: {} },
      '<nil>',
      'Invalid value: "": "spec.one" must validate one and only one schema (oneOf). Found none valid',
    ],
    [
      { color: 'red', one: { a: '', b: '' } },
      '<nil>',
      'Invalid value: "": "spec.one" must validate one and only one schema (oneOf). Found 2 valid alternatives',
    ],
  ];
  for (const [spec, field, message] of cases) {
    it(`refuses ${JSON.stringify(spec)}`, () => {
      const causes = validateValue(schema, { spec });
      assert.deepEqual([causes[0]?.field, causes[0]?.message], [field, message]);
    });
  }

  it('forgives what an update leaves as it was', () => {
    const before = { spec: { color: 'blue', name: 'AA' } };
    assert.deepEqual(
      validateValue(schema, { spec: { color: 'blue', name: 'BB' } }, '', before).map(({ field }) => field),
      ['spec.name'],
    );
  });

  it('wants items of sets and keys of lists once', () => {
    const spec = { tags: ['a', 'b', 'a', 'a'], ports: [{ port: 1 }, { port: 1 }] };
    assert.deepEqual(
      validateLists(root, { spec }).map(({ field, message }) => `${field}: ${message}`),
      ['spec.tags[2]: Duplicate value: "a"', 'spec.ports[1]: Duplicate value: {"port":1}'],
    );
  });
});

describe('coercion', () => {
  const value = fc.object({
    key: fc.constantFrom(...Object.keys(SPEC.properties!), 'x', '__proto__'),
    maxDepth: 4,
    withNullPrototype: false,
    values: [fc.integer(), fc.string(), fc.constant(null)],
  });

  it('done twice is done once, and gives the same object back', () => {
    fc.assert(
      fc.property(value, (spec) => {
        const object = JSON.parse(JSON.stringify({ metadata: { name: 'a' }, spec }));
        const first = coerce(root, object, undefined);
        assert.equal(coerce(root, first, first), first);
        assert.deepEqual(coerce(root, first, undefined), first);
      }),
      { numRuns: 300 },
    );
  });

  it('names what it drops', () => {
    const unknown: string[] = [];
    coerce(
      root,
      { spec: { bogus: 1, ports: [{ port: 1, x: { y: 1 } }], free: { any: null } }, other: 1 },
      undefined,
      unknown,
    );
    assert.deepEqual(unknown.sort(), ['other', 'spec.bogus', 'spec.ports[0].x']);
  });
});

describe("Go's patterns", () => {
  const cases: readonly (readonly [string, string, boolean])[] = [
    ['^[[:alpha:]]+$', 'abC', true],
    ['(?i)^abc$', 'aBC', true],
    ['\\Aab\\z', 'ab', true],
    ['^\\Qa.b\\E$', 'a.b', true],
    ['^(?P<x>a){2,20}$', 'aaa', true],
    ['^a{2}$', 'aaa', false],
    ['^\\p{L}+$', 'äö', true],
    ['^[^\\s]+$', 'a b', false],
  ];
  for (const [pattern, text, expected] of cases)
    it(`${pattern} ${expected ? 'matches' : 'does not match'} ${text}`, () =>
      assert.equal(goRegExp(pattern).test(text), expected));

  for (const pattern of ['(?=a)', '(?<!a)b', '\\1', '(', '[a', 'a{1001}', '*a'])
    it(`refuses ${pattern}`, () => assert.throws(() => goRegExp(pattern), PatternError));

  it('takes no more time for a text that nearly matches in many ways', () => {
    const nasty = `${'a'.repeat(200)}!`;
    for (const pattern of ['^(a+)+$', '^(a|aa)+$', '(?i)^(a|A|aa)+$', '^(?:a{1,50}){1,10}$'])
      assert.equal(goRegExp(pattern).test(nasty), false);
  });
});
