import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseControllers } from './optional-controllers.ts';

describe('--controllers', () => {
  const table: [string, readonly string[]][] = [
    ['*', []],
    ['*,selinux-warning-controller', ['selinux-warning-controller']],
    ['selinux-warning-controller, *', ['selinux-warning-controller']],
    ['*,-selinux-warning-controller', []],
  ];
  for (const [text, expected] of table) {
    it(`takes ${text}`, () => assert.deepEqual(parseControllers(text), expected));
  }

  it('refuses what it does not know, and to switch the others off', () => {
    assert.throws(() => parseControllers('*,foo'), {
      message: '"foo" is not in the list of known controllers',
    });
    assert.throws(() => parseControllers('selinux-warning-controller'), /cannot be switched off/);
  });
});
