import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { host } from '../shared/test-support.ts';
import { pendingUploads } from './pending-uploads.ts';

it('files are counted whose note says that they are not uploaded, or is being written', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'stowage-notes-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  assert.equal(await pendingUploads(host.files, join(directory, 'none')), 0);
  mkdirSync(join(directory, 'bucket/dir'), { recursive: true });
  const note = (name: string, text: string) => writeFileSync(join(directory, 'bucket', name), text);
  note('clean', '{"Dirty":false,"Size":5}');
  assert.equal(await pendingUploads(host.files, directory), 0);
  note('dirty', '{"Dirty":true}');
  note('dir/dirty', '{"Dirty":true}');
  note('dir/half', '{"Dir');
  note('dir/empty', '');
  assert.equal(await pendingUploads(host.files, directory), 4);
});
