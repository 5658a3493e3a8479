import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseReplaceable } from './replaceable.ts';

describe('--without', () => {
  it('takes parts separated by commas, and again, each once', () =>
    assert.deepEqual(parseReplaceable('sidecars, scheduler', parseReplaceable('sidecars')), [
      'sidecars',
      'scheduler',
    ]));

  for (const text of ['nodes', '', 'sidecars,'])
    it(`refuses ${JSON.stringify(text)}`, () =>
      assert.throws(() => parseReplaceable(text), /is none of controllers, scheduler, sidecars/));
});
