import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { trimEndOf } from './text.ts';

it('takes off the end what an expression would, however long a run is that is not at the end', () => {
  const pieces = fc.array(fc.constantFrom('/', 'a')).map((parts) => parts.join(''));
  fc.assert(fc.property(pieces, (text) => assert.equal(trimEndOf(text, '/'), text.replace(/\/+$/, ''))));
  // An expression would take hours.
  const long = `${'/'.repeat(3_000_000)}a`;
  assert.equal(trimEndOf(`${long}//`, '/'), long);
});
