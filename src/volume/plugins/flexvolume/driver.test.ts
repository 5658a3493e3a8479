import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { FakeClock } from '../../../base/index.ts';
import { createLinuxHost } from '../../../host/index.ts';
import { until } from '../../../host/linux/leftovers.test-support.ts';
import { callsOf, driver, host, SUCCESS, writeDriver } from './flexvolume.test-support.ts';

const { signal } = new AbortController();

describe('a call of a FlexVolume driver', () => {
  it('tells what it can do at init', async (test) => {
    const one = await driver(test, { init: `echo '{"status":"Success","capabilities":{"attach":false}}'` });
    await one.init({ signal });
    assert.equal(one.capabilities.attach, false);
    assert.equal(one.capabilities.fsGroup, true);
  });

  it('is not made again once it was not supported, until the driver is another', async (test) => {
    const one = await driver(test, { init: SUCCESS });
    for (let i = 0; i < 3; i++) assert.equal(await one.call('attach', ['{}', 'n'], { signal }), undefined);
    assert.deepEqual(await callsOf(one.executable), ['attach {} n']);
    await writeDriver(one.executable, {
      init: SUCCESS,
      attach: `echo '{"status":"Success","device":"/dev/x"}'`,
    });
    await one.init({ signal });
    assert.equal((await one.call('attach', ['{}', 'n'], { signal }))?.device, '/dev/x');
  });

  it('may answer on standard error, as upstream’s examples do', async (test) => {
    const one = await driver(test, { mount: `echo '{"status":"Failure","message":"gone"}' >&2; exit 1` });
    await assert.rejects(
      one.call('mount', [], { signal }),
      /^Error: mount command failed, status: Failure, reason: gone$/,
    );
  });

  it('fails when the exit code says so, whatever the answer says', async (test) => {
    const one = await driver(test, { mount: `${SUCCESS}; exit 3` });
    await assert.rejects(one.call('mount', [], { signal }), /says Success, but exit status 3$/);
  });

  it('that cannot be started, is killed by itself, or talks without end, is a clear error', async (test) => {
    const one = await driver(test, {
      mount: 'kill -9 $$',
      unmount: 'while :; do echo chatter; done',
    });
    await assert.rejects(one.call('mount', [], { signal }), /ended by SIGKILL/);
    await assert.rejects(
      one.call('unmount', ['hush-hush'], { signal }),
      /^Error: \/.*\/v~d\/d: wrote more than 65536 bytes$/,
      'not what it was given',
    );
    await rm(one.executable);
    await assert.rejects(one.call('attach', [], { signal }), /cannot start/);
  });

  it('that hangs is killed with all that it started; what has left its group holds up nobody', async (test) => {
    const clock = new FakeClock();
    const mount = `cd "$(dirname "$0")"
      sleep 1000 & echo $! >child
      setsid sh -c 'echo $$ >new; mv new far; exec sleep 1000' & wait`;
    const one = await driver(test, { mount }, { callLimitMs: 500, host: createLinuxHost({ clock }) });
    const rejected = assert.rejects(
      one.call('mount', [], { signal }),
      /^Error: mount command failed: .*\/v~d\/d did not end within 0.5 s; it was killed with all that it started$/,
    );
    await until('both are there', () => existsSync(join(dirname(one.executable), 'far')));
    // The limit, and what is given to the output of those that were killed.
    await clock.advance(2_000);
    await rejected;
    const pidOf = async (name: string) => Number(await readFile(join(dirname(one.executable), name), 'utf8'));
    const far = await pidOf('far');
    test.after(() => process.kill(far, 'SIGKILL'));
    assert.ok(await host.processes.find(far), 'it is this test that ends it');
    const child = await pidOf('child');
    await until('the child is gone', async () => !(await host.processes.find(child)));
  });

  it('is given up with its signal', async (test) => {
    const one = await driver(test, { mount: 'echo started >"$(dirname "$0")/started"; sleep 1000' });
    const stop = new AbortController();
    const call = one.call('mount', [], { signal: stop.signal });
    stop.abort(new Error('stopping'));
    await assert.rejects(call, /^Error: stopping$/);
  });

  it('tells no secret when it fails, not even one that the driver repeats', async (test) => {
    const secret = Buffer.from('hush-hush').toString('base64');
    const json = JSON.stringify({ 'kubernetes.io/secret/password': secret });
    const one = await driver(
      test,
      {
        mount: `printf '{"status":"Failure","message":"login with hush-hush (%s) failed"}' ${secret}`,
        unmount: 'sleep 1000',
        attach: 'echo "$1"; echo "$1" >&2',
        detach: 'echo hush-hush >&2; kill -9 $$',
      },
      { callLimitMs: 200 },
    );
    for (const command of ['mount', 'unmount', 'attach', 'detach'] as const) {
      await assert.rejects(one.call(command, [json], { signal, secrets: [secret] }), (error: Error) => {
        assert.doesNotMatch(`${error.message} ${String(error.cause)}`, /hush-hush|aHVzaC1odXNo/, command);
        return true;
      });
    }
  });
});
