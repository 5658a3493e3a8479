import assert from 'node:assert/strict';
import { glob, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';

const series = (set: string, last: number, but: readonly number[] = []): readonly string[] =>
  Array.from({ length: last }, (_, index) => index + 1)
    .filter((number) => !but.includes(number))
    .map((number) => `${set}-${number}`);

/**
 * The cases of upstream's tests of this controller (pkg/controller/volume/persistentvolume/*_test.go of Kubernetes 1.36),
 * by upstream's numbers; F13 is the 13 of TestModifyDeletionFinalizers. The tests here begin with the numbers that they
 * are about.
 */
const CASES: Readonly<Record<string, readonly string[]>> = {
  TestSync: [
    ...series('1', 18),
    ...series('2', 12),
    ...series('3', 7),
    ...series('4', 12),
    ...series('13', 5),
  ],
  TestSyncBlockVolume: [...series('14', 14, [6]), ...['14-5-1', '14-5-2', '14-8-1', '14-13-1', '14-14-1']],
  TestMultiSync: series('10', 2),
  TestControllerSync: [...series('5', 9, [1]), '5-2-2', '5-2-3'],
  TestRecycleSync: series('6', 14),
  TestRecycleMultiSync: series('7', 1),
  TestDeleteSync: [...series('8', 13, [8, 10]), ...series('8-10', 3)],
  TestDeleteMultiSync: series('9', 1),
  TestProvisionSync: series('11', 26, [5]),
  TestProvisionMultiSync: series('12', 4),
  TestModifyDeletionFinalizers: series('F13', 15),
  TestRetroactiveStorageClassAssignment: series('15', 7),
};
// Not here: 2-13, of the gate VolumeAttributesClass when off, which 1.36 does not let be off.

describe('the cases of upstream’s tests', async () => {
  const numbers = await numbersHere();
  for (const [test, cases] of Object.entries(CASES)) {
    it(`${test}: all ${cases.length} are here`, () => {
      assert.deepEqual(
        cases.filter((number) => !numbers.has(number)),
        [],
      );
    });
  }

  it('and none that upstream does not have', () => {
    const known = new Set(Object.values(CASES).flat());
    assert.deepEqual(
      [...numbers].filter((number) => !known.has(number)),
      [],
    );
  });
});

/** The numbers with which names of tests and cases of this folder begin. */
async function numbersHere(): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  const folder = import.meta.dirname;
  for await (const file of glob(['*.test.ts', 'cases/*.ts'], { cwd: folder })) {
    if (file === 'upstream.test.ts') continue;
    const text = await readFile(join(folder, file), 'utf8');
    for (const [, names] of text.matchAll(/['`](F?\d+-\d+(?:-\d+)?(?:, F?\d+-\d+(?:-\d+)?)*)(?=[ '])/g)) {
      for (const number of names!.split(', ')) found.add(number);
    }
  }
  return found;
}
