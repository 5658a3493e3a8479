import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { structuralOf } from '../../structural.ts';
import type { JSONSchema } from '../../types.ts';
import { compile } from '../compile.ts';
import { typeOfSchema } from '../types.ts';
import { estimateCost } from './estimate.ts';

// What Kubernetes 1.36 itself expects of its estimates (apiextensions-apiserver, TestCostEstimation).

type Bounds = (max?: number) => JSONSchema;

const of = (type: string, max?: number): JSONSchema => {
  if (type === 'int-or-string') return { 'x-kubernetes-int-or-string': true, maxLength: max };
  if (['date', 'date-time', 'duration'].includes(type)) return { type: 'string', format: type };
  return { type };
};
const text: Bounds = (maxLength) => ({ type: 'string', maxLength });
const bytes: Bounds = (maxLength) => ({ type: 'string', format: 'byte', maxLength });
const list = (items: JSONSchema, maxItems?: number): JSONSchema => ({ type: 'array', items, maxItems });
const map = (additionalProperties: JSONSchema, maxProperties?: number): JSONSchema => ({
  type: 'object',
  additionalProperties,
  maxProperties,
});
const listOf =
  (type: string): Bounds =>
  (max) =>
    list(of(type), max);
const mapOf =
  (type: string): Bounds =>
  (max) =>
    map(of(type), max);
const object = (properties: Record<string, JSONSchema>, ...required: string[]): JSONSchema => ({
  type: 'object',
  properties,
  required,
});
const texts: Bounds = (max) => list(text(max), max);

/** Schema, rule, cost without bounds, bound, cost with it. */
const cases: readonly (readonly [string, Bounds, string, number, number, number])[] = [
  ['numbers', listOf('number'), 'self.all(x, true)', 4718591, 10, 32],
  ['texts', listOf('string'), 'self.all(x, true)', 3145727, 20, 62],
  ['booleans', listOf('boolean'), 'self.all(x, true)', 1887437, 5, 17],
  ['lists of numbers', (max) => list(list(of('number')), max), 'self.all(x, true)', 3145727, 100, 302],
  [
    'objects',
    (max) => list(object({ required: text(), optional: text() }, 'required'), max),
    'self.all(x, true)',
    555128,
    50,
    152,
  ],
  ['map of numbers', mapOf('number'), 'self.all(x, true)', 1348169, 10, 32],
  ['map of texts', mapOf('string'), 'self.all(x, true)', 1179647, 3, 11],
  ['map of booleans', mapOf('boolean'), 'self.all(x, true)', 943718, 100, 302],
  ['text', text, "self.contains('test')", 314574, 10, 5],
  ['text', text, "self.startsWith('test')", 2, 15, 2],
  ['text', text, "self.endsWith('test')", 2, 30, 2],
  ['text', text, 'size(self + "hello") > size("hello")', 314578, 4, 7],
  ['numbers', listOf('number'), 'self[1] == 0.0', 2, 5000, 2],
  ['texts', listOf('string'), 'self[1] == self[1]', 314577, 8, 314577],
  ['numbers', listOf('number'), 'self.all(x, self.all(y, true))', Infinity, 10, 352],
  ['numbers', listOf('number'), 'self.all(x, self.all(y, self.all(z, true)))', Infinity, 10, 3552],
  ['text', text, 'self.matches("x")', 314574, 50, 22],
  ['text', text, '"".matches("(((((((((())))))))))[0-9]")', 7, 10, 7],
  ['text', text, 'self.matches("")', 1, 100, 1],
  ['map of texts', (max) => map(text(max), max), 'self.all(x, x.contains(self[x]))', 2752507, 10, 72],
  ['numbers', listOf('number'), 'self[3] == 0.0', 2, 0, 2],
  ['map of numbers', mapOf('number'), 'self["x"] == 0.0', 2, 0, 2],
  ['text', text, 'self == "x"', 2, 0, 1],
  ['bytes', bytes, 'self == b"x"', 2, 0, 1],
  ['numbers', listOf('number'), 'self.all(x, x == 0.0)', 6291454, 3 * 1024 * 2048, 25165826],
  ['lists', listOf('int-or-string'), 'self.all(x, true)', 4718591, 10, 32],
  ['lists', listOf('int-or-string'), 'self[0] == 5', 3, 10, 3],
  ['booleans', listOf('boolean'), 'self[0] == false', 2, 25, 2],
  ['lists of numbers', (max) => list(list(of('number')), max), 'self[0][0] == -1.0', 3, 51, 3],
  ['maps of numbers', (max) => list(map(of('number')), max), 'self.all(x, x.y == 25.2)', 6291452, 12, 74],
  ['maps of numbers', (max) => list(map(of('number')), max), 'self[0].x > 2.0', 4, 3000, 4],
  ['durations', listOf('duration'), 'self.all(x, true)', 2359295, 5, 17],
  ['durations', listOf('duration'), 'self[0].getHours() == 2', 4, 525, 4],
  ['dates', listOf('date'), 'self.all(x, true)', 725936, 15, 47],
  ['dates', listOf('date'), 'self[2].getDayOfMonth() == 13', 4, 42, 4],
  ['times', listOf('date-time'), 'self.all(x, true)', 428963, 25, 77],
  ['times', listOf('date-time'), 'self[2].getMinutes() == 45', 4, 99, 4],
  ['map', mapOf('int-or-string'), 'self.all(x, true)', 1348169, 15, 47],
  ['map of maps', (max) => map(map(of('number')), max), 'self.all(x, true)', 1179647, 10, 32],
  ['map of lists', (max) => map(list(of('number')), max), 'self.all(x, true)', 1179647, 25, 77],
  ['map of durations', mapOf('duration'), 'self.all(x, true)', 1048577, 5, 17],
  ['map of dates', mapOf('date'), 'self.all(x, true)', 524288, 10, 32],
  ['map of times', mapOf('date-time'), 'self.all(x, true)', 349526, 25, 77],
  ['text', text, "self.find('[0-9]+') == ''", 629147, 10, 11],
  ['texts', texts, "self.join(' ') == 'aa bb'", 329853068905, 10, 43],
  ['texts', texts, 'self.isSorted() == true', 329854432052, 10, 52],
  [
    'object',
    (max) => object({ str: text(max), before: text(2), after: text(4) }),
    "self.str.replace(self.before, self.after) == 'does not matter'",
    629154,
    4,
    12,
  ],
  [
    'object',
    (max) => object({ str: text(max), separator: text(max) }),
    'self.str.split(self.separator) == []',
    629160,
    10,
    22,
  ],
  ['text', text, "self.lowerAscii() == 'lower!'", 314575, 10, 6],
  ['map', mapOf('integer'), 'oldSelf.size() == self.size()', 5, 10, 5],
  ['map of times', mapOf('date-time'), 'self["a"] == self["b"]', 8, 7, 8],
  ['map of durations', mapOf('duration'), 'self["c"] == self["d"]', 8, 42, 8],
  [
    'enum',
    (maxLength) => ({ type: 'string', enum: ['A', 'LongValue'], maxLength }),
    "self.contains('A')",
    2,
    1000,
    401,
  ],
  ['either', (max) => of('int-or-string', max), 'isQuantity(self)', 314574, 20, 9],
];

describe('the estimated cost of a rule', () => {
  for (const [what, schemaOf, rule, open, bound, closed] of cases)
    it(`${what}: ${rule}`, () => {
      const costOf = (schema: JSONSchema) => {
        const root = structuralOf(schema);
        const type = typeOfSchema(root)!;
        return estimateCost(
          compile(rule, [
            { name: 'self', type },
            { name: 'oldSelf', type },
          ]),
          root,
        );
      };
      const unbounded = costOf(schemaOf());
      if (open === Infinity) assert.ok(unbounded > 10_000_000);
      else assert.equal(unbounded, open);
      assert.equal(costOf(schemaOf(bound)), closed);
    });
});
