import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seededRandom, systemRandom } from '../../src/base/index.ts';
import { cannotMountWith } from '../../src/drivers/oss/test-support.ts';
import { cannotMount } from '../support/command.ts';
import { inDirectory } from '../support/in-directory.ts';
import { crashDriver } from './drivers/crash.ts';
import { DRIVER_KINDS } from './drivers/open-storage.ts';

/** `npm run crash:drivers -- --kills 200` is the long form. */
const KILLS = { disk: 12, nas: 12, oss: 4 } as const;

describe('kill -9 of a CSI driver under load', { skip: cannotMount, timeout: 900_000 }, () => {
  for (const kind of DRIVER_KINDS) {
    const kills = KILLS[kind];
    const seed = 1 + Math.floor(systemRandom.next() * 1e9);
    it(
      `${kind}, ${kills} times: what was answered stays, what was not is whole or not there, nothing is left (seed ${seed})`,
      {
        skip: kind === 'oss' && cannotMountWith('s3fs'),
      },
      () =>
        inDirectory(async (directory) => {
          const { answers } = await crashDriver(kind, directory, {
            kills,
            random: seededRandom(seed),
          });
          assert.ok(answers > kills, `${answers} answered calls are no load`);
        }),
    );
  }
});
