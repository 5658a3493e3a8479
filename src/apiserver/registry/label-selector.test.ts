import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { matchesSelector } from '../../kube/index.ts';
import { parseLabelSelector } from './label-selector.ts';

const NAME_FORM =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";

describe('label selector', () => {
  const labels = { app: 'web', tier: 'front', empty: '', in: 'notin', count: '7' };
  for (const [text, expected] of [
    ['', true],
    ['app=web', true],
    ['app==web,tier=front', true],
    ['app!=web', false],
    ['other!=x', true],
    ['app in (web, db)', true],
    ['app notin (db)', true],
    ['other notin (db)', true],
    ['app', true],
    ['!app', false],
    ['!other', true],
    ['empty=', true],
    ['app=web,other', false],
    ['example.com/role=x', false],
    ['empty in ()', true],
    ['app in (,web)', true],
    ['empty in (a,)', true],
    ['app in (a,,b)', false],
    ['in in (notin)', true],
    ['!in', false],
    ['count>6', true],
    ['count<7', false],
    ['app>6', false],
    [' app = web , tier ', true],
    ['app=,tier', false],
  ] as const) {
    it(`${JSON.stringify(text)} ${expected ? 'selects' : 'does not select'}`, () =>
      assert.equal(matchesSelector(parseLabelSelector(text), labels), expected));
  }

  // What upstream answers to each.
  for (const [text, why] of [
    ['a=b=c', "found '=', expected: ',' or 'end of string'"],
    ['app in web', "unable to parse requirement: found 'web' expected: '('"],
    ['-x', `unable to parse requirement: <nil>: Invalid value: "-x": name part ${NAME_FORM}`],
    ['a in (b', "unable to parse requirement: found '', expected: ',' or ')'"],
    ['a in (b c)', "unable to parse requirement: found 'c', expected: ',' or ')'"],
    ['a in (=)', "unable to parse requirement: found '=', expected: ',', ')' or identifier"],
    ['=x', "found '=', expected: !, identifier, or 'end of string'"],
    ['a,,b', "found ',', expected: identifier after ','"],
    ['a,', "found '', expected: identifier after ','"],
    ['!', "unable to parse requirement: found '', expected: identifier"],
    ['!a=b', "found '=', expected: ',' or 'end of string'"],
    ['A B', "unable to parse requirement: found 'B', expected: in, notin, =, ==, !=, gt, lt"],
    [
      'a>b',
      `unable to parse requirement: values[0]: Invalid value: "b": for 'Gt', 'Lt' operators, the value must be an integer`,
    ],
    ['a notin (b,c) d', "found 'd', expected: ',' or 'end of string'"],
  ] as const) {
    it(`refuses ${text}`, () => assert.throws(() => parseLabelSelector(text), { message: why }));
  }

  it('refuses keys and values that no label can have', () => {
    assert.throws(
      () => parseLabelSelector('a..b/c=d'),
      /<nil>: Invalid value: "a..b\/c": prefix part a lowercase/,
    );
    assert.throws(
      () => parseLabelSelector('a=/'),
      /values\[0\]\[a\]: Invalid value: "\/": a valid label must be/,
    );
  });

  it('reads or refuses any text', () =>
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'ab=!<>(), in') }), (text) => {
        try {
          matchesSelector(parseLabelSelector(text), labels);
        } catch (error) {
          assert.match((error as Error).message, /found '|Invalid value/);
        }
      }),
    ));
});
