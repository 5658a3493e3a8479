import assert from 'node:assert/strict';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { systemClock } from '../../../base/index.ts';
import { createLinuxHost } from '../../../host/index.ts';
import { loadVolumeData } from './volume-data.ts';

describe('the note beside a mount', () => {
  const note = { volumeHandle: 'h', driverName: 'd' };
  const cases: [string, (path: string) => Promise<unknown>, object | undefined | RegExp][] = [
    ['is not there', async () => undefined, undefined],
    ['is whole', (path) => writeFile(path, JSON.stringify(note)), note],
    ['was emptied by a loss of power', (path) => writeFile(path, ''), undefined],
    ['was filled with zeros by a loss of power', (path) => writeFile(path, '\0\0\0'), undefined],
    ['is no JSON', (path) => writeFile(path, 'hello'), /failed to parse volume data file/],
    [
      'lacks its handle',
      (path) => writeFile(path, '{"driverName":"d"}'),
      /volumeHandle or driverName is missing/,
    ],
    [
      'is a link to a file of the host, of which nothing is told',
      (path) => symlink('/etc/passwd', path),
      /\/vol_data\.json\]: it is a symlink, not a file$/,
    ],
  ];
  for (const [what, make, expected] of cases)
    it(what, async (test) => {
      const directory = await mkdtemp(join(tmpdir(), 'stowage-note-'));
      test.after(() => rm(directory, { recursive: true }));
      await make(join(directory, 'vol_data.json'));
      const { files } = createLinuxHost({ clock: systemClock });
      if (expected instanceof RegExp) await assert.rejects(loadVolumeData(files, directory), expected);
      else assert.deepEqual(await loadVolumeData(files, directory), expected);
    });
});
