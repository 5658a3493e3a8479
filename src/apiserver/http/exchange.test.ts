import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { loggedPath } from './exchange.ts';

describe('what a log tells of an address', () => {
  it('is its path, without what is asked there', () => {
    assert.equal(loggedPath({ url: '/api/v1/pods?command=secret' }), '/api/v1/pods');
    assert.equal(loggedPath({ url: '/version' }), '/version');
    assert.equal(loggedPath({}), '/');
  });
  it('is cut off where somebody sends a very long one', () => {
    assert.equal(loggedPath({ url: `/${'a'.repeat(1 << 20)}` }), `/${'a'.repeat(2_047)}…`);
  });
});
