import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { JsonSyntaxError, parseJson } from './json.ts';

const parse = (text: string) => parseJson(Buffer.from(text));

/** Texts that are no JSON, and what encoding/json says of them. */
const WRONG: readonly [text: string, message: string][] = [
  ['', 'unexpected end of JSON input'],
  ['{"kind":"a", ', 'unexpected end of JSON input'],
  ['hello', "invalid character 'h' looking for beginning of value"],
  ['{} x', "invalid character 'x' after top-level value"],
  ['{}{}', "invalid character '{' after top-level value"],
  ['\ufeff{}', "invalid character 'ï' looking for beginning of value"],
  ['é', "invalid character 'Ã' looking for beginning of value"],
  ["'a'", "invalid character '\\'' looking for beginning of value"],
  ['{"a":tru}', "invalid character '}' in literal true (expecting 'e')"],
  ['{"a":01}', "invalid character '1' after object key:value pair"],
  ['{"a":1.}', "invalid character '}' after decimal point in numeric literal"],
  ['{"a":1e}', "invalid character '}' in exponent of numeric literal"],
  ['{"a":-x}', "invalid character 'x' in numeric literal"],
  ['{"a":"\\q"}', "invalid character 'q' in string escape code"],
  ['{"a":"\\u12g4"}', "invalid character 'g' in \\u hexadecimal character escape"],
  ['{"a":"\u0000"}', "invalid character '\\x00' in string literal"],
  ['{"a":1,}', "invalid character '}' looking for beginning of object key string"],
  ['{"a":[1,]}', "invalid character ']' looking for beginning of value"],
  ['{a:1}', "invalid character 'a' looking for beginning of object key string"],
  ['{"a" 1}', "invalid character '1' after object key"],
  ['{"a":1 "b":2}', "invalid character '\"' after object key:value pair"],
  ['{"a":[1 2]}', "invalid character '2' after array element"],
  ['['.repeat(10_001), "invalid character '[' exceeded max depth"],
  ['{"a":'.repeat(200_000), "invalid character '{' exceeded max depth"],
  [`${'['.repeat(10_001)}${']'.repeat(10_001)}`, "invalid character '[' exceeded max depth"],
];

const REPEATED: readonly [text: string, paths: readonly string[]][] = [
  ['{"a":1,"b":{"a":2}}', []],
  ['{"a":1,"a":2,"a":3}', ['a', 'a']],
  ['{"m":{"o":[{"u":1},{"u":2,"u":3}],"a/b.c":1,"a/b.c":2}}', ['m.o[1].u', 'm.a/b.c']],
  ['{"a":1,"\\u0061":2}', ['a']],
  ['[{"op":1,"op":2}]', ['[0].op']],
  ['{"__proto__":1,"__proto__":2}', ['__proto__']],
];

describe('JSON in a body', () => {
  for (const [text, message] of WRONG) {
    it(`${JSON.stringify(text.slice(0, 30))}: ${message}`, () =>
      assert.throws(() => parse(text), new JsonSyntaxError(message)));
  }
  for (const [text, paths] of REPEATED) {
    it(`${text} repeats ${paths.join(' ') || 'nothing'}`, () =>
      assert.deepEqual(parse(text).duplicateFields, paths));
  }

  it('may nest ten thousand deep', () => {
    assert.deepEqual(parse('['.repeat(10_000) + ']'.repeat(10_000)).duplicateFields, []);
  });

  it('is what JSON.parse takes, no more and no less', () => {
    const text = fc.oneof(
      fc.json(),
      fc.tuple(fc.json(), fc.nat(), fc.string({ maxLength: 2 })).map(([json, at, put]) => {
        const place = at % (json.length + 1);
        return json.slice(0, place) + put + json.slice(place + 1);
      }),
    );
    fc.assert(
      fc.property(text, (candidate) => {
        const sent = Buffer.from(candidate);
        let expected: unknown;
        try {
          expected = JSON.parse(sent.toString());
        } catch {
          // Told in our words, not in those of JSON.parse.
          assert.throws(() => parseJson(sent), /^JsonSyntaxError: (unexpected end|invalid character)/);
          return;
        }
        assert.deepEqual(parseJson(sent).value, expected);
      }),
      { numRuns: 2_000 },
    );
  });
});
