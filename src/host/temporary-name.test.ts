import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isTemporaryOf, temporaryName } from './temporary-name.ts';

describe('names of files that are being written', () => {
  it('are known for whose they are', () => {
    assert.ok(isTemporaryOf('vol_data.json', temporaryName('vol_data.json', '123.4')));
    for (const entry of ['vol_data.json', '.vol_data.json', 'other', temporaryName('other', '1.2')])
      assert.ok(!isTemporaryOf('vol_data.json', entry), entry);
  });
});
