import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { deepFreeze } from '../../../base/index.ts';
import { jsonPatch, PatchError } from './json-patch.ts';
import { mergePatch } from './merge-patch.ts';

type Document = Record<string, unknown>;

/** Objects as a patch can make them: without null, which means "take away". */
const tree = fc.letrec<{ value: unknown; object: Document }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.string(),
    fc.integer(),
    fc.boolean(),
    fc.array(fc.integer()),
    tie('object'),
  ),
  object: fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd/e', 'f~g', ''), tie('value'), {
    noNullPrototype: true,
  }),
})).object;

const isObject = (value: unknown): value is Document =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The merge patch that makes `to` of `from`. */
function difference(from: Document, to: Document): Document {
  const patch: Document = {};
  for (const key of Object.keys(from)) if (!Object.hasOwn(to, key)) patch[key] = null;
  for (const [key, value] of Object.entries(to)) {
    const old = from[key];
    patch[key] = isObject(value) && isObject(old) ? difference(old, value) : value;
  }
  return patch;
}

const POINTERS = [
  '',
  '/',
  '/a',
  '/b/c',
  '/d~1e',
  '/f~0g',
  '/a/0',
  '/a/-',
  '/a/x',
  '/~2',
  'a',
  '/__proto__/x',
];
const operation = fc.record(
  {
    op: fc.constantFrom('add', 'remove', 'replace', 'move', 'copy', 'test', 'x', 1),
    path: fc.constantFrom(...POINTERS, 1),
    from: fc.constantFrom(...POINTERS),
    value: fc.jsonValue({ maxDepth: 2 }),
  },
  { requiredKeys: [] },
);

describe('a merge patch', () => {
  it('of the difference makes the one of the other, and nothing more the second time', () => {
    fc.assert(
      fc.property(tree, tree, (from, to) => {
        const patch = difference(from, to);
        const made = mergePatch(deepFreeze(from), deepFreeze(patch));
        assert.deepEqual(made, to);
        assert.deepEqual(mergePatch(made as Document, patch), to);
      }),
    );
  });
});

describe('a JSON patch', () => {
  it('that adds and removes again leaves everything as it was', () => {
    fc.assert(
      fc.property(tree, fc.jsonValue(), (document, value) => {
        const before = structuredClone(document);
        const added = jsonPatch(deepFreeze(document), [{ op: 'add', path: '/new', value }]);
        assert.deepEqual((added as Document).new, value);
        assert.deepEqual(jsonPatch(added, [{ op: 'remove', path: '/new' }]), before);
      }),
    );
  });

  it('of any form makes a document or says why not, and never touches what it is given', () => {
    fc.assert(
      fc.property(tree, fc.array(operation, { maxLength: 5 }), (document, operations) => {
        const before = structuredClone(document);
        try {
          jsonPatch(deepFreeze(document), deepFreeze(operations));
        } catch (error) {
          assert.ok(error instanceof PatchError, String(error));
        }
        assert.deepEqual(document, before);
        assert.equal(({} as Document).x, undefined, 'nor the prototype of everything');
      }),
      { numRuns: 500 },
    );
  });
});
