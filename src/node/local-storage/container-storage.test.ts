import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { scratchDirectory, skipReason } from '../../host/linux/leftovers.test-support.ts';
import { openRuntime, shellContainer } from '../runtime/runtime.test-support.ts';
import { containerStorage } from './index.ts';

const MIB = 1024 * 1024;

describe('what a container has written', { skip: skipReason }, () => {
  it('is what lies over its image, and its logs', async (test) => {
    const scratch = scratchDirectory(test);
    const runtime = await openRuntime(scratch);
    const script =
      'head -c 3145728 /dev/zero > /var/tmp/file; head -c 2097152 /dev/zero | tr "\\0" x; touch /tmp/done; exec sleep 3600';
    const record = await runtime.start(shellContainer(script));
    const written = 'while [ ! -e /tmp/done ]; do sleep 0.05; done';
    await runtime.exec(record.id, ['sh', '-c', written], { timeoutMs: 60_000 });
    const { rootfs, logs } = await containerStorage(scratch.host, record);
    const overlay = /overlay in memory/.test(runtime.rootDescription);
    if (overlay) assert.ok(rootfs!.used! >= 3 * MIB && rootfs!.used! < 6 * MIB, String(rootfs?.used));
    else assert.equal(rootfs?.used, 0);
    // The last of it may still be on its way through the pipe.
    assert.ok(logs!.used! >= MIB, String(logs?.used));
  });

  it('is unknown when there is neither a process nor a log', async (test) => {
    const { host, directory } = scratchDirectory(test);
    const nobody = { pid: 2 ** 22 + 1, logPath: `${directory}/none/0.log` };
    assert.deepEqual(await containerStorage(host, nobody), {});
  });
});
