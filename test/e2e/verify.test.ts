import assert from 'node:assert/strict';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Report } from '../../src/testing/verify/index.ts';
import { cannotMount, run, stowage } from '../support/command.ts';
import { startDiskDriver } from '../support/disk-driver-process.ts';
import { inDirectory } from '../support/in-directory.ts';

const EXAMPLE_DRIVER = fileURLToPath(new URL('../../examples/drivers/directory.ts', import.meta.url));
const LIMIT_MS = 150_000;

const LIFE = ['registered', 'written', 'read-back', 'grown', 'cloned', 'restored', 'deleted'];

function stationsOf({ results }: Report, kind: string): string[] {
  return results
    .filter(({ id, outcome }) => id.startsWith('Life cycle/') && outcome.kind === kind)
    .map(({ id }) => id.slice('Life cycle/'.length));
}

function wrong({ results }: Report): string[] {
  return results.flatMap(({ id, outcome }) =>
    outcome.kind === 'failed' || outcome.kind === 'blocked' ? `${id}: ${JSON.stringify(outcome)}` : [],
  );
}

describe('stowage verify', { timeout: 2 * LIMIT_MS }, () => {
  it('the driver of the examples meets everything, also after it was killed', { skip: cannotMount }, () =>
    inDirectory(async (directory) => {
      const [endpoint, volumes] = [`unix://${directory}/csi.sock`, join(directory, 'volumes')];
      const restart = join(directory, 'restart.sh');
      await writeFile(
        restart,
        `cd '${directory}' && { [ ! -e pid ] || kill -9 "$(cat pid)"; }\n` +
          `setsid '${process.execPath}' '${EXAMPLE_DRIVER}' '${endpoint}' '${volumes}' >log 2>&1 & echo $! >pid\n`,
      );
      await run('sh', [restart]);
      const { code, stdout, stderr } = await stowage(
        ['verify', '--csi-address', endpoint, '--size', '1Mi', '--restart-command', `sh ${restart}`],
        { limitMs: LIMIT_MS },
      );
      assert.equal(code, 0, stdout + stderr);
      assert.match(stdout, /^directory\.csi\.example\.org 1\.0\.0 at unix:/);
      for (const id of ['volumes', 'published'])
        assert.match(stdout, new RegExp(`^ok +Supervised Lifecycle Management/${id} `, 'm'));
      assert.match(stdout, /^ok +Life cycle\/deleted /m);
      assert.match(stdout, /^\d+ passed, 0 failed, 0 blocked, \d+ skipped$/m);
      assert.deepEqual(await readdir(volumes), []);
    }),
  );

  it('the disk driver meets everything, through the whole life of a volume', { skip: cannotMount }, () =>
    inDirectory(async (directory) => {
      const endpoint = `unix://${directory}/csi.sock`;
      const parameters = join(directory, 'mutable.yaml');
      await writeFile(parameters, 'readIops: "1000"\n');
      const pool = join(directory, 'pool');
      const driver = await startDiskDriver(['--endpoint', endpoint, '--pool', pool, '--node-id', 'node-1']);
      try {
        const { code, stdout, stderr } = await stowage(
          ['verify', '--csi-address', endpoint, '--size', '32Mi', '--output', 'json'].concat([
            '--mutable-parameters-file',
            parameters,
          ]),
          { limitMs: LIMIT_MS },
        );
        const report = JSON.parse(stdout) as Report & { conformant: boolean };
        assert.deepEqual(wrong(report), []);
        assert.equal(code, 0, stderr);
        assert.equal(report.conformant, true);
        assert.deepEqual(stationsOf(report, 'passed'), LIFE);
      } finally {
        await driver.end('SIGTERM');
      }
    }),
  );

  const refused: readonly (readonly [what: string, args: readonly string[], says: RegExp])[] = [
    ['no socket', [], /required option '--csi-address <endpoint>'/],
    ['an unknown format', ['--csi-address', '/x', '--output', 'xml'], /--output.*xml.*text, json, junit/],
    ['a size that is none', ['--csi-address', '/x', '--size', 'big'], /--size "big": must be an amount/],
    ['no time', ['--csi-address', '/x', '--timeout', '0'], /--timeout.*above 0/],
    [
      'a file that is not there',
      ['--csi-address', '/x', '--parameters-file', '/no/such.yaml'],
      /--parameters-file \/no\/such\.yaml cannot be read/,
    ],
    [
      'a driver that is not there',
      ['--csi-address', 'unix:///no/such.sock', '--timeout', '0.2'],
      /no check could be made: GetPluginInfo on unix:\/\/\/no\/such\.sock.*is the driver running/,
    ],
  ];
  for (const [what, args, says] of refused) {
    it(`refuses ${what}, with 2`, async () => {
      const { code, stdout, stderr } = await stowage(['verify', ...args]);
      assert.match(stderr, says);
      assert.equal(stderr.trimEnd().split('\n').length, 1, stderr);
      assert.deepEqual([code, stdout], [2, '']);
    });
  }

  it('refuses a file of secrets that it does not know, without telling them', () =>
    inDirectory(async (directory) => {
      const file = join(directory, 'secrets.yaml');
      await writeFile(file, 'CreateVolumeSecrets:\n  password: hunter2\n');
      const { code, stderr } = await stowage(['verify', '--csi-address', '/x', '--secrets-file', file]);
      assert.equal(code, 2);
      assert.match(stderr, /unknown CreateVolumeSecrets; it has maps of texts under CreateVolumeSecret,/);
      assert.doesNotMatch(stderr, /hunter2/);
    }));
});
