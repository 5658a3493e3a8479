import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seededRandom, systemRandom } from '../../src/base/index.ts';
import { crash } from '../crash/crash.ts';
import { inDirectory } from '../support/in-directory.ts';

/** `npm run crash -- --kills 500` is the long form. */
const KILLS = 40;

describe('kill -9 of an API server under load', { timeout: 600_000 }, () => {
  const seed = 1 + Math.floor(systemRandom.next() * 1e9);
  it(`${KILLS} times: acknowledged writes stay, nothing is torn, watches miss nothing (seed ${seed})`, () =>
    inDirectory(async (directory) => {
      const { writes, resumes } = await crash(directory, KILLS, seededRandom(seed));
      assert.ok(writes > KILLS * 10, `${writes} writes are no load`);
      assert.ok(resumes > KILLS, `${resumes} resumed watches are few`);
    }));
});
