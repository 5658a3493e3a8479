import assert from 'node:assert/strict';
import * as fs from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { createLogger, systemClock } from '../../../base/index.ts';
import { until } from '../../../host/linux/leftovers.test-support.ts';
import { createPluginRegistry } from '../../registry.ts';
import { specFromVolume } from '../../spec.ts';
import { createFlexControlPlugin } from './expander.ts';
import { callsOf, directoryFor, host, SUCCESS, writeDriver } from './flexvolume.test-support.ts';
import { FlexVolumeProber } from './prober.ts';

async function start(test: TestContext, directory = join(directoryFor(test), 'not/there/yet')) {
  const lines: string[] = [];
  const log = createLogger({ level: 'debug', now: () => 0, sink: (line) => lines.push(line) });
  const prober = new FlexVolumeProber({ host, directory, clock: systemClock, log });
  const registry = createPluginRegistry([], prober.plugins(createFlexControlPlugin));
  const stop = new AbortController();
  const run = prober.start(stop.signal);
  test.after(async () => {
    stop.abort();
    await run;
  });
  const names = () =>
    registry
      .all()
      .map((plugin) => plugin.name)
      .sort();
  const found = (...wanted: string[]) =>
    until(`drivers ${wanted}`, () => names().join() === wanted.sort().join());
  await registry.probed;
  return { directory, registry, found, lines, names };
}

describe('the FlexVolume prober', () => {
  it('sees drivers come, change and go, in a directory that is not there yet', async (test) => {
    const { directory, registry, found } = await start(test);
    let changes = 0;
    test.after(registry.onChange(() => changes++));
    await writeDriver(join(directory, 'v.example~disk/disk'), { init: SUCCESS });
    await found('v.example/disk');
    const spec = specFromVolume({ name: 'v', flexVolume: { driver: 'v.example/disk' } });
    const plugin = registry.findBySpec(spec);
    assert.equal(plugin.expander?.requiresFileSystemExpansion, true);

    const less = `echo '{"status":"Success","capabilities":{"requiresFSResize":false}}'`;
    await writeDriver(join(directory, 'v.example~disk/disk'), { init: less });
    await until('the new capabilities', () => plugin.expander?.requiresFileSystemExpansion === false);
    assert.equal(registry.findBySpec(spec), plugin, 'it stays the same plugin');

    await fs.rm(join(directory, 'v.example~disk/disk'));
    await found();
    assert.throws(() => registry.findBySpec(spec), /^Error: no volume plugin matched$/);
    await writeDriver(join(directory, 'v.example~disk/disk'), { init: SUCCESS });
    await found('v.example/disk');
    await fs.rm(directory, { recursive: true });
    await found();
    await writeDriver(join(directory, 'plain/plain'), { init: SUCCESS });
    await found('plain');
    assert.ok(changes >= 5);
  });

  it('passes over what begins with a dot, until it is renamed', async (test) => {
    const { directory, found, names, lines } = await start(test);
    const hidden = join(directory, '.v.example~disk');
    await writeDriver(join(hidden, 'disk'), { init: SUCCESS });
    await writeDriver(join(directory, 'v.example~other/other'), { init: SUCCESS });
    await fs.writeFile(join(directory, 'README.md'), 'no driver');
    await found('v.example/other');
    assert.deepEqual(await callsOf(join(hidden, 'disk')), []);
    assert.ok(!lines.some((line) => /skipping/.test(line)), 'nor is it complained of');
    await fs.rename(hidden, join(directory, 'v.example~disk'));
    await found('v.example/disk', 'v.example/other');
    assert.deepEqual(names(), ['v.example/disk', 'v.example/other']);
  });

  it('takes a driver once it can be run and its init succeeds', async (test) => {
    const { directory, found, lines, names } = await start(test);
    const path = join(directory, 'v.example~disk/disk');
    await writeDriver(path, { init: `[ -e "$(dirname "$0")/now" ] && ${SUCCESS}` });
    await until('a refusal', () => lines.some((line) => /skipping/.test(line)));
    assert.deepEqual(names(), []);
    // Nothing about the executable changes: its init is tried again.
    await fs.writeFile(join(directory, 'v.example~disk/now'), '');
    await found('v.example/disk');
  });

  it('is not held up by a driver that hangs', async (test) => {
    const { directory, found } = await start(test);
    await writeDriver(join(directory, 'v.example~slow/slow'), { init: 'sleep 1000' });
    await until('the call', async () => (await callsOf(join(directory, 'v.example~slow/slow'))).length > 0);
    await writeDriver(join(directory, 'v.example~disk/disk'), { init: SUCCESS });
    await found('v.example/disk');
  });

  it('refuses a name that is none', async (test) => {
    const { directory, lines, names } = await start(test);
    await writeDriver(join(directory, 'a~b~c/c'), { init: SUCCESS });
    await until('a refusal', () =>
      lines.some((line) => /volume plugin has invalid name: .*a\/b\/c/.test(line)),
    );
    assert.deepEqual(names(), []);
    assert.deepEqual(await callsOf(join(directory, 'a~b~c/c')), [], 'it was not even called');
  });

  it('knows those that were there before when it says that it has probed', async (test) => {
    const directory = directoryFor(test);
    await writeDriver(join(directory, 'v.example~disk/disk'), { init: `sleep 0.1; ${SUCCESS}` });
    const { names } = await start(test, directory);
    assert.deepEqual(names(), ['v.example/disk']);
  });
});
