import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { handleOf, isHandle } from './names.ts';

describe('handles', () => {
  for (const name of ['pvc-1', 'a', `a${'b'.repeat(127)}`, 'a..b']) {
    it(`a safe name is its own id: ${name.slice(0, 10)}`, () => assert.equal(handleOf(name, 'vol'), name));
  }
  for (const name of ['', '..', '../etc', 'a/b', '.hidden', '-rf', 'a b', 'ä', `a${'b'.repeat(128)}`]) {
    it(`any other becomes one: ${JSON.stringify(name.slice(0, 10))}`, () => {
      assert.ok(!isHandle(name));
      assert.match(handleOf(name, 'vol'), /^vol-[0-9a-f]{40}$/);
      assert.equal(handleOf(name, 'vol'), handleOf(name, 'vol'));
    });
  }
});
