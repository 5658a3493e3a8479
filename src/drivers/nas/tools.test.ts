import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { CsiStatus } from '../../csi/index.ts';
import { host } from '../shared/test-support.ts';
import { cannotMount, temporaryDirectory } from './test-support.ts';
import { Tools } from './tools.ts';

const MODULE = new URL('./tools.ts', import.meta.url);
const HOST = new URL('../shared/test-support.ts', import.meta.url);

describe('the tools of the nas driver', { timeout: 300_000 }, () => {
  const vanished = "cp: cannot stat '/from/./file': No such file or directory\n";
  const outcomes: [what: string, stderr: string, outcome: 'fine' | RegExp][] = [
    ['a file that went while it was copied', vanished, 'fine'],
    ['several', vanished + vanished, 'fine'],
    [
      'one, and another trouble',
      `${vanished}cp: error writing '/to/./x': Input/output error\n`,
      /Input\/output/,
    ],
    [
      'a place that is gone',
      "cp: cannot create directory '/to/.': No such file or directory\n",
      /copy to \/to/,
    ],
    [
      'a full disk',
      "cp: error writing '/to/./x': No space left on device\n",
      /RESOURCE_EXHAUSTED.*No space left/,
    ],
    ['a quota', "cp: error writing '/to/./x': Disk quota exceeded\n", /RESOURCE_EXHAUSTED/],
    ['nothing said', '', /exit 1/],
  ];
  for (const [what, stderr, outcome] of outcomes) {
    it(`copies: ${what}`, async () => {
      const exec = async () => ({ exitCode: 1, stdout: '', stderr });
      const mounts = { ...host.mounts, sync: async () => undefined };
      const tools = new Tools({ ...host, mounts, processes: { ...host.processes, exec } }, '/lock');
      const copy = tools.copy('/from', '/to');
      if (outcome === 'fine') await copy;
      else {
        await assert.rejects(copy, outcome);
        await assert.rejects(copy, (error) => error instanceof CsiStatus === /RESOURCE/.test(`${outcome}`));
      }
    });
  }

  it('copies nothing into a directory that is not there any more', async (t) => {
    const directory = temporaryDirectory(t);
    mkdirSync(join(directory, 'from'));
    writeFileSync(join(directory, 'from/file'), '');
    const tools = new Tools(host, join(directory, 'lock'));
    await assert.rejects(tools.copy(join(directory, 'from'), join(directory, 'to')), /No such file/);
    assert.deepEqual(readdirSync(directory).sort(), ['from', 'lock']);
  });

  it('removes nothing of what is mounted below', { skip: cannotMount() }, async (t) => {
    const directory = temporaryDirectory(t);
    for (const name of ['precious', 'tree', 'tree/here']) mkdirSync(join(directory, name));
    writeFileSync(join(directory, 'precious/file'), '');
    execFileSync('mount', ['--bind', join(directory, 'precious'), join(directory, 'tree/here')]);
    const tools = new Tools(host, join(directory, 'lock'));
    await assert.rejects(
      tools.remove(join(directory, 'tree')),
      /is mounted at .*tree\/here; unmount it first/,
    );
    assert.deepEqual(readdirSync(join(directory, 'precious')), ['file']);
  });

  it('the next driver waits for a tool of the last one that is still at work', async (t) => {
    const directory = temporaryDirectory(t);
    const lock = join(directory, 'lock');
    const holder = spawn('flock', ['--shared', lock, 'sh', '-c', 'echo; read line'], { stdio: 'pipe' });
    t.after(() => holder.kill('SIGKILL'));
    await once(holder.stdout, 'data');
    const order: string[] = [];
    const settled = new Tools(host, lock).settled().then(() => order.push('settled'));
    // Others that only share the lock come and go meanwhile: time enough for one that would not wait.
    for (let turn = 0; turn < 5; turn++) await host.processes.exec('flock', ['--shared', lock, 'true']);
    order.push('released');
    holder.stdin.end('\n');
    await settled;
    assert.deepEqual(order, ['released', 'settled']);
  });

  it('a tool ends with the driver, however that ends', async (t) => {
    const directory = temporaryDirectory(t);
    const [lock, begun] = [join(directory, 'lock'), join(directory, 'begun')];
    execFileSync('mkfifo', [begun]);
    const program =
      `const { Tools } = await import('${MODULE}'); const { host } = await import('${HOST}');` +
      `await new Tools(host, '${lock}').run('wait', 'sh', ['-c', 'echo begun > ${begun}; exec sleep 1000']);`;
    const driver = spawn(process.execPath, ['--input-type=module', '--eval', program], { stdio: 'ignore' });
    t.after(() => driver.kill('SIGKILL'));
    assert.equal(await readFile(begun, 'utf8'), 'begun\n');
    driver.kill('SIGKILL');
    await new Tools(host, lock).settled();
  });
});
