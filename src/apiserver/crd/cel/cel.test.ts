import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { structuralOf } from '../structural.ts';
import type { JSONSchema, ValidationRule } from '../types.ts';
import { checkRules } from './check-rules.ts';
import { compile } from './compile.ts';
import { compileRules } from './rules.ts';
import { Run } from './scope.ts';
import { CompileError } from './syntax.ts';
import { typeOfSchema } from './types.ts';
import { fromJson } from './values.ts';

const schema: JSONSchema = {
  type: 'object',
  properties: {
    a: { type: 'integer' },
    s: { type: 'string' },
    l: { type: 'array', items: { type: 'string' } },
    m: { type: 'object', additionalProperties: { type: 'integer' } },
    p: { 'x-kubernetes-int-or-string': true },
    'x-y': { type: 'string' },
    namespace: { type: 'string' },
    d: { type: 'number' },
    o: { type: 'object', properties: { z: { type: 'string' } } },
    t: { type: 'string', format: 'date-time' },
    ports: {
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['port'],
      items: { type: 'object', properties: { port: { type: 'integer' }, name: { type: 'string' } } },
    },
  },
};
const object = {
  a: 5,
  s: 'hello',
  l: ['a', 'b', 'c'],
  m: { k: 1, j: 2 },
  p: 'x',
  'x-y': 'q',
  namespace: 'n',
  d: 1,
  o: {},
  t: '2020-01-02T03:04:05Z',
  ports: [
    { port: 1, name: 'a' },
    { port: 2, name: 'b' },
  ],
};
const node = structuralOf(schema);
const self = { name: 'self', type: typeOfSchema(node)! };

function evaluate(source: string, budget = 1_000_000): unknown {
  return compile(source, [self]).run(new Run([fromJson(object, node)], budget));
}

describe('CEL', () => {
  for (const source of [
    "self.a > 3 && self.s.startsWith('he')",
    "self.l.all(x, size(x) == 1) && self.l.exists_one(x, x == 'a')",
    "self.m.all(k, v, v > 0) && self.m.exists(k, k == 'j') && 'k' in self.m",
    "!has(self.o.z) && self.o.?z.orValue('d') == 'd' && !self.l[?5].hasValue()",
    "self.p == 'x' || self.p > 3",
    "self.x__dash__y == 'q' && self.__namespace__ == 'n'",
    "self.l.map(x, x + '!').join(',') == 'a!,b!,c!'",
    "self.l.filter(x, x != 'a') == ['b', 'c'] && self.l.transformList(i, v, i) == [0, 1, 2]",
    "quantity('1Gi').isGreaterThan(quantity('1000Mi')) && quantity('1.5').add(quantity('500m')).isInteger()",
    "url('https://a.b:80/p?q=1').getHost() == 'a.b:80' && url('https://a.b/p?q=1').getQuery()['q'] == ['1']",
    "ip('::1').isLoopback() && cidr('10.0.0.0/8').containsIP('10.1.2.3') && string(cidr('10.1.0.0/8').masked()) == '10.0.0.0/8'",
    "format.dns1123Label().validate('A_').hasValue() && !format.named('uuid').value().validate('123e4567-e89b-12d3-a456-426614174000').hasValue()",
    "'%s %d %.2f'.format(['a', 3, 1.5]) == 'a 3 1.50'",
    "self.s.matches('^h.*o$') && 'abc'.find('[b-c]+') == 'bc' && 'a1b2'.findAll('[0-9]') == ['1', '2']",
    '[1, 2, 3].sum() == 6 && [3, 1].min() == 1 && [1, 2].isSorted() && [1, 1].distinct() == [1]',
    'optional.of(1).optMap(x, x + 1).value() == 2',
    "self.t < timestamp('2021-01-01T00:00:00Z') && self.t.getFullYear() == 2020 && duration('1h') > duration('30m')",
    '1 / 0 == 1 || true',
    "self.d == 1.0 && {'a': 1}.a == 1 && [?optional.none(), 1].size() == 1",
    "self.s.substring(1, 3) == 'el' && self.s.indexOf('l') == 2 && 'a,b'.split(',') == ['a', 'b'] && 'Ab'.lowerAscii() == 'ab'",
    '[3, 1, 2].sortBy(x, -x) == [3, 2, 1] && self.ports.sortBy(p, p.name)[1].port == 2',
    'lists.range(3) == [0, 1, 2] && lists.range(-1) == [] && [1, 2].last().value() == 2 && ![].first().hasValue()',
    'optional.unwrap([optional.of(1), optional.none()]) == [1] && [optional.of(1)].unwrapOpt() == [1]',
    String.raw`strings.quote('a"b\n') == '"a\\"b\\n"'`,
    '(self.ports + [self.ports[0]]).size() == 2 && (self.ports + self.ports) == self.ports',
    "semver('1.2.3').isLessThan(semver('1.10.0')) && sets.contains([1, 2], [2]) && type(1) == type(2)",
  ])
    it(source, () => assert.equal(evaluate(source), true));

  const refused: readonly (readonly [string, string])[] = [
    ['self.zz', "undefined field 'zz'"],
    ["self.a == 'x'", "found no matching overload for '_==_' applied to '(int, string)'"],
    ['foo > 1', "undeclared reference to 'foo' (in container '')"],
    ['cel.bind(x, 1, x)', "undeclared reference to 'cel' (in container '')"],
    ["'a'.reverse()", "found no matching overload for 'reverse' applied to 'string.()'"],
    ['self.a.b', "type 'int' does not support field selection"],
    [
      'self.o.all(x, true)',
      "expression of type 'object' cannot be range of a comprehension (must be list, map, or dynamic)",
    ],
  ];
  for (const [source, message] of refused)
    it(`refuses ${source}`, () =>
      assert.throws(
        () => compile(source, [self]),
        (error) => error instanceof CompileError && error.message === message,
      ));

  for (const [source, message] of [
    ['1 / 0 == 1', /division by zero/],
    ['9223372036854775807 + 1 > 0', /integer overflow/],
    ["self.l[5] == 'x'", /index out of bounds: 5/],
    ["self.m['q'] == 1", /no such key: q/],
  ] as const)
    it(`fails at ${source}`, () => assert.throws(() => evaluate(source), message));

  it('stops what costs too much', () => {
    const ten = '[1,2,3,4,5,6,7,8,9,10]';
    const nested = [...'abcdefgh'].reduce((inner, name) => `${ten}.all(${name}, ${inner})`, 'true');
    assert.throws(() => evaluate(nested), /actual cost limit exceeded/);
  });
});

function failures(
  rule: ValidationRule,
  next: unknown,
  previous?: unknown,
  inner: JSONSchema = { type: 'object', properties: { a: { type: 'integer' } } },
) {
  const rules = compileRules(
    structuralOf(
      { type: 'object', properties: { spec: { ...inner, 'x-kubernetes-validations': [rule] } } },
      true,
    ),
  )!;
  return rules
    .validate({ spec: next }, previous === undefined ? undefined : { spec: previous })
    .map(({ field, message, reason }) => [field, message, reason]);
}

describe('x-kubernetes-validations', () => {
  it('say where, what and why', () => {
    assert.deepEqual(failures({ rule: 'self.a > 1' }, { a: 1 }), [
      ['spec', 'Invalid value: failed rule: self.a > 1', 'FieldValueInvalid'],
    ]);
    assert.deepEqual(
      failures(
        {
          rule: 'self.a > 1',
          messageExpression: "'not ' + string(self.a)",
          reason: 'FieldValueForbidden',
          fieldPath: '.a',
        },
        { a: 1 },
      ),
      [['spec.a', 'Forbidden: not 1', 'FieldValueForbidden']],
    );
    assert.deepEqual(failures({ rule: 'self.a > 1', message: 'too small' }, {}), [
      ['spec', 'Invalid value: "object": no such key: a evaluating rule: too small', 'FieldValueInvalid'],
    ]);
  });

  it('compare with what was before, when there is something', () => {
    const rule = { rule: 'self.a == oldSelf.a', message: 'fixed' };
    assert.deepEqual(failures(rule, { a: 1 }), []);
    assert.deepEqual(failures(rule, { a: 1 }, { a: 1 }), []);
    assert.deepEqual(failures(rule, { a: 2 }, { a: 1 }), [
      ['spec', 'Invalid value: fixed', 'FieldValueInvalid'],
    ]);
    const optional = { rule: 'oldSelf.hasValue() || self.a == 0', optionalOldSelf: true };
    assert.equal(failures(optional, { a: 1 }).length, 1);
    assert.deepEqual(failures(optional, { a: 1 }, { a: 5 }), []);
  });

  it('forgive what an update leaves as it was', () => {
    assert.deepEqual(failures({ rule: 'self.a > 1' }, { a: 1 }, { a: 1 }), []);
  });

  it('of a part of allOf see the value as the whole schema describes it', () => {
    const inner: JSONSchema = {
      type: 'object',
      properties: { a: { type: 'integer' } },
      allOf: [
        {
          'x-kubernetes-validations': [{ rule: 'self.a > 1', message: 'whole' }],
          properties: { a: { 'x-kubernetes-validations': [{ rule: 'self > 2', message: 'part' }] } },
        },
      ],
    };
    assert.deepEqual(failures({ rule: 'true' }, { a: 1 }, undefined, inner), [
      ['spec', 'Invalid value: whole', 'FieldValueInvalid'],
      ['spec.a', 'Invalid value: 1: part', 'FieldValueInvalid'],
    ]);
    // What is around did not change: all is forgiven.
    assert.deepEqual(failures({ rule: 'true' }, { a: 1 }, { a: 1 }, inner), []);
  });

  it('must cost no more than they may', () => {
    const dear = (maxItems?: number): JSONSchema => ({
      type: 'array',
      maxItems,
      items: { type: 'string', maxLength: 10 },
      'x-kubernetes-validations': [{ rule: 'self.all(x, self.exists(y, x == y))' }],
    });
    const check = (schema: JSONSchema, isUnchanged = false) =>
      checkRules({ type: 'object', properties: { l: schema } }, 'root', isUnchanged).map(
        ({ field, message }) => `${field}: ${message}`,
      );
    const hint =
      ' (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)';
    const rule = 'root.properties[l].x-kubernetes-validations[0].rule';
    assert.deepEqual(check(dear(900)), []);
    assert.match(check(dear(1000))[0]!, /factor of 1\.000500x/);
    assert.deepEqual(check(dear(3000)), [
      `${rule}: Forbidden: estimated rule cost exceeds budget by factor of 9.0x${hint}`,
    ]);
    assert.deepEqual(check(dear(3000), true), []);
    assert.deepEqual(check(dear()), [
      `${rule}: Forbidden: estimated rule cost exceeds budget by factor of more than 100x${hint}`,
      `${rule}: Forbidden: contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema`,
      `root: Forbidden: x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema exceeds budget by factor of more than 100x${hint}`,
    ]);
  });

  it('must compile, and be about what can be told apart', () => {
    const check = (spec: JSONSchema) =>
      checkRules({ type: 'object', properties: { spec } }, 'schema').map(
        ({ field, message }) => `${field}: ${message}`,
      );
    const [undefinedField] = check({
      type: 'object',
      properties: {},
      'x-kubernetes-validations': [{ rule: 'self.b' }],
    });
    assert.equal(
      undefinedField,
      'schema.properties[spec].x-kubernetes-validations[0].rule: Invalid value: {"Rule":"self.b","Message":"","MessageExpression":"","Reason":null,"FieldPath":"","OptionalOldSelf":null}: compilation failed: ERROR: <input>:1:5: undefined field \'b\'\n | self.b\n | ....^',
    );
    const [inList] = check({
      type: 'array',
      maxItems: 10,
      items: { type: 'string', maxLength: 10, 'x-kubernetes-validations': [{ rule: 'self == oldSelf' }] },
    });
    assert.match(
      inList!,
      /oldSelf cannot be used on the uncorrelatable portion of the schema within schema\.properties\[spec\]$/,
    );
    const [notBool] = check({ type: 'integer', 'x-kubernetes-validations': [{ rule: 'self + 1' }] });
    assert.match(notBool!, /cel expression must evaluate to a bool$/);
  });
});
