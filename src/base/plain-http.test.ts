import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { it } from 'node:test';
import { promisify } from 'node:util';

it('starting a cluster loads no undici: nobody imports node:http as an ES module', async () => {
  const up = new URL('../cli/up.ts', import.meta.url).href;
  const script = `await import(${JSON.stringify(up)}); console.log(process.moduleLoadList.filter((name) => name.includes('undici')).join())`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script]);
  assert.equal(stdout.trim(), '');
});
