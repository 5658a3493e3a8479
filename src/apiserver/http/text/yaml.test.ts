import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseYaml } from './yaml.ts';
import { YamlSyntaxError } from './yaml-error.ts';

const parse = (text: string) => parseYaml(Buffer.from(text));

const VALUES: readonly [text: string, value: unknown][] = [
  ['a: yes\nb: n\nc: "yes"\n', { a: true, b: false, c: 'yes' }],
  ['a: 2001-01-01\nb: 1:30\nc: 010\n', { a: '2001-01-01', b: '1:30', c: 8 }],
  ['a: 1\n---\na: 2\n', { a: 1 }],
  ['p: &p {a: 1}\nq: {<<: *p, b: 2}\n', { p: { a: 1 }, q: { a: 1, b: 2 } }],
  ['', null],
  ['{"a": [1, "b", null]}', { a: [1, 'b', null] }],
  ['a: !!set {b, c}\n', { a: { b: null, c: null } }],
  [`{${'a: 1, '.repeat(1_000)}a: 2}`, { a: 2 }],
  [`a: |\n${'  - [ {\n'.repeat(1_000)}`, { a: '- [ {\n'.repeat(1_000) }],
];

const BOMB = `a: &a [${'l,'.repeat(9)}]\n${[...'bcdefghi'].map((name, index) => `${name}: &${name} [${`*${'abcdefgh'[index]},`.repeat(9)}]\n`).join('')}`;

const WRONG: readonly [what: string, text: string, message: RegExp][] = [
  ['an open bracket', 'a: [\n', /^yaml: line \d: /],
  ['a tab', 'kind: a\n\tb: c', /^yaml: line 2: /],
  ['an alias bomb', BOMB, /^yaml: document contains excessive aliasing$/],
  ['a depth bomb', `a: ${'['.repeat(20_000)}`, /^yaml: exceeded max depth of 10000$/],
  ['one of lists in a line', `a:\n${'- '.repeat(20_000)}b`, /^yaml: exceeded max depth of 10000$/],
  ['a smaller one', `${'['.repeat(501)}${']'.repeat(501)}`, /^yaml: exceeded max depth of 500$/],
  ['a bomb of tokens', '- a\n'.repeat(100_000), /^yaml: more than 300000 tokens$/],
];

describe('YAML in a body', () => {
  for (const [text, value] of VALUES) {
    it(`${JSON.stringify(text).slice(0, 60)} is ${JSON.stringify(value).slice(0, 60)}`, async () =>
      assert.deepEqual((await parse(text)).value, value));
  }
  for (const [what, text, message] of WRONG) {
    it(`${what} is refused in one line`, () =>
      assert.rejects(parse(text), (error: Error) => {
        assert.ok(error instanceof YamlSyntaxError);
        assert.match(error.message, message);
        assert.doesNotMatch(error.message, /\n/);
        return true;
      }));
  }
  it('must be UTF-8', () => assert.rejects(parseYaml(Buffer.from([0x61, 0x3a, 0xff])), YamlSyntaxError));

  it('tells which keys it has twice, and the last one counts', async () => {
    const { value, duplicateKeys } = await parse('m:\n  name: x\n  name: z\nd: {a: b, a: c}\n');
    assert.deepEqual(value, { m: { name: 'z' }, d: { a: 'c' } });
    assert.deepEqual(duplicateKeys, [
      'line 3: key "name" already set in map',
      'line 4: key "a" already set in map',
    ]);
  });
});
