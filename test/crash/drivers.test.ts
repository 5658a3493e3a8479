import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seededRandom, systemRandom } from '../../src/base/index.ts';
import { cannotMount } from '../support/command.ts';
import { inDirectory } from '../support/in-directory.ts';
import { crashDriver } from './drivers/crash.ts';

/** `npm run crash:drivers -- --kills 200` is the long form. */
const KILLS = 12;

describe('kill -9 of a CSI driver under load', { skip: cannotMount, timeout: 900_000 }, () => {
  for (const kind of ['disk', 'nas'] as const) {
    const seed = 1 + Math.floor(systemRandom.next() * 1e9);
    it(`${kind}, ${KILLS} times: what was answered stays, what was not is whole or not there, nothing is left (seed ${seed})`, () =>
      inDirectory(async (directory) => {
        const { answers } = await crashDriver(kind, directory, { kills: KILLS, random: seededRandom(seed) });
        assert.ok(answers > KILLS, `${answers} answered calls are no load`);
      }));
  }
});
