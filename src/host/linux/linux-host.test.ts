import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { FakeClock, systemClock } from '../../base/index.ts';
import { canGrow, scratchDirectory, skipReason, until } from './leftovers.test-support.ts';
import { createLoopDevices } from './loops.ts';
import { createProcesses } from './processes.ts';

describe('files', () => {
  it('writeAtomic replaces the whole content and keeps the mode', async (test) => {
    const { host, directory } = scratchDirectory(test);
    const path = join(directory, 'a');
    await host.files.writeAtomic(path, 'one', 0o600);
    await host.files.writeAtomic(path, 'two', 0o666);
    assert.equal(await host.files.read(path), 'two');
    assert.equal((await host.files.stat(path))?.mode, 0o666);
    assert.deepEqual(await host.files.list(directory), ['a']);
  });

  it('stat follows no link and knows absence', async (test) => {
    const { host, directory } = scratchDirectory(test);
    symlinkSync('/etc/passwd', join(directory, 'link'));
    assert.equal((await host.files.stat(join(directory, 'link')))?.kind, 'symlink');
    assert.equal(await host.files.stat(join(directory, 'link/below')), undefined);
    assert.equal((await host.files.stat('/dev/null'))?.rdev, '1:3');
  });

  it('allocate grows, never shrinks, and leaves holes', async (test) => {
    const { host, directory } = scratchDirectory(test);
    const path = join(directory, 'image');
    await host.files.allocate(path, 10n << 20n);
    await host.files.allocate(path, 1n << 20n);
    const stat = await host.files.stat(path);
    assert.equal(stat?.sizeBytes, 10 << 20);
    assert.ok(stat.allocatedBytes < 1 << 20);
  });

  it('removeTree refuses, with nothing removed, while something is mounted below', {
    skip: skipReason,
  }, async (test) => {
    const { host, directory } = scratchDirectory(test);
    const target = join(directory, 'tree/a mount');
    mkdirSync(target, { recursive: true });
    writeFileSync(join(directory, 'tree/file'), '');
    await host.mounts.mount({ source: 'tmpfs', target, fsType: 'tmpfs' });
    writeFileSync(join(target, 'data'), '');
    await assert.rejects(
      host.files.removeTree(join(directory, 'tree')),
      /mounted at .*a mount; nothing was removed/,
    );
    assert.equal(existsSync(join(directory, 'tree/file')), true);
    assert.equal(existsSync(join(target, 'data')), true);
    await host.mounts.unmount(target);
  });

  it('a FIFO is read as it is written, to its end', async (test) => {
    const { host, directory } = scratchDirectory(test);
    const path = join(directory, 'fifo');
    execFileSync('mkfifo', [path, join(directory, 'go')]);
    const opened = Promise.withResolvers<void>();
    const unwatch = host.files.watchDirectory(directory, () => opened.resolve());
    const script = `exec 3<>fifo; echo one >&3; : > opened; read x < go; echo two >&3`;
    await host.processes.spawn({ command: '/bin/sh', args: ['-c', script], cwd: directory });
    await opened.promise;
    unwatch();
    const chunks: Uint8Array[] = [];
    for await (const chunk of host.files.readFifo(path, test.signal)) {
      chunks.push(chunk);
      if (chunks.length === 1) await host.files.append(join(directory, 'go'), '\n');
    }
    assert.equal(Buffer.concat(chunks).toString(), 'one\ntwo\n');
  });

  it('a FIFO without a writer is at its end', async (test) => {
    const { host, directory } = scratchDirectory(test);
    const path = join(directory, 'fifo');
    execFileSync('mkfifo', [path]);
    for await (const chunk of host.files.readFifo(path, test.signal)) assert.fail(String(chunk));
  });
});

describe('processes', () => {
  it('any exit code resolves, with what was said', async (test) => {
    const { host } = scratchDirectory(test);
    const result = await host.processes.exec('sh', ['-c', 'cat; echo no >&2; exit 3'], { input: 'yes' });
    assert.deepEqual(result, { exitCode: 3, stdout: 'yes', stderr: 'no\n' });
  });

  it('a missing tool is named with its Debian package', async (test) => {
    const { host } = scratchDirectory(test);
    await assert.rejects(
      host.processes.exec('mkfs.xfs', [], { env: { PATH: '/nonexistent' } }),
      /mkfs\.xfs: command not found; install the Debian package xfsprogs/,
    );
  });

  it('over its time, a command ends with all that it started', async (test) => {
    const { directory } = scratchDirectory(test);
    const clock = new FakeClock();
    const processes = createProcesses(clock);
    const script = 'sleep 100 & echo $! > new; mv new pid; wait';
    const rejected = assert.rejects(
      processes.exec('sh', ['-c', script], { timeoutMs: 300, cwd: directory }),
      /timed out after 0\.3s/,
    );
    await until('it has started', () => existsSync(join(directory, 'pid')));
    const pid = Number(readFileSync(join(directory, 'pid'), 'utf8'));
    assert.ok(await processes.find(pid));
    await clock.advance(300);
    await rejected;
    // A process closes its files, which is what the command's end is known by, before it is gone.
    await until('it is gone', async () => !(await processes.find(pid)));
  });

  it('too much output ends a command', async (test) => {
    const { host } = scratchDirectory(test);
    await assert.rejects(
      host.processes.exec('yes', [], { maxOutputBytes: 1000 }),
      /wrote more than 1000 bytes/,
    );
  });

  it('what is spawned reads its input, tells its exit code, and does not keep us', async (test) => {
    const { host, directory } = scratchDirectory(test);
    const ended = Promise.withResolvers<number | undefined>();
    const input = "exit $(expr 2 + 1) # it's\n";
    await host.processes.spawn({
      command: '/bin/sh',
      args: ['-s'],
      cwd: directory,
      input,
      onExit: ended.resolve,
    });
    // Nothing else keeps this process while it waits.
    const alive = setInterval(() => undefined, 1000);
    assert.equal(await ended.promise, 3);
    clearInterval(alive);
    const script = `import { createLinuxHost } from ${JSON.stringify(join(import.meta.dirname, 'index.ts'))};
      import { systemClock } from ${JSON.stringify(join(import.meta.dirname, '../../base/index.ts'))};
      const { pid } = await createLinuxHost({ clock: systemClock }).processes.spawn({ command: 'sleep', args: ['60'] });
      process.stdout.write(String(pid));`;
    const pid = Number(
      execFileSync(process.execPath, ['--input-type=module', '-e', script], { timeout: 120_000 }),
    );
    const id = await host.processes.find(pid);
    assert.ok(id, 'it outlives who started it');
    await host.processes.kill(id, 'SIGKILL');
  });

  it('a signal goes to the process that was meant, not to a later one of its number', async (test) => {
    const { host } = scratchDirectory(test);
    const ended = Promise.withResolvers<number | undefined>();
    const id = await host.processes.spawn({ command: 'sleep', args: ['100'], onExit: ended.resolve });
    await host.processes.kill({ pid: id.pid, startTicks: id.startTicks - 1n }, 'SIGKILL');
    assert.equal(await host.processes.isAlive(id), true);
    await host.processes.kill(id, 'SIGKILL', { group: true });
    assert.equal(await ended.promise, undefined);
    assert.equal(await host.processes.isAlive(id), false);
  });
});

describe('disks', { skip: skipReason }, () => {
  it('a file becomes a disk, a file system, a bigger one, and nothing', async (test) => {
    const { host, directory } = scratchDirectory(test);
    const { loops, disks, mounts, files } = host;
    const image = join(directory, 'image');
    const target = join(directory, 'target');
    mkdirSync(target);
    await files.allocate(image, 32n << 20n);
    const device = await loops.attach(image);
    assert.equal((await loops.list()).find((loop) => loop.device === device)?.backingFile, image);
    assert.equal(await disks.signature(device), undefined);
    await disks.format(device, 'ext4');
    assert.equal((await disks.signature(device))?.type, 'ext4');
    assert.equal(await disks.check(device, 'ext4'), 'clean');
    assert.equal(await disks.isInUse(device), false);
    await mounts.mount({ source: device, target, fsType: 'ext4', options: ['noatime'] });
    assert.equal(await mounts.isMountPoint(target), true);
    assert.equal(await disks.isInUse(device), true);
    const before = (await files.statFs(target)).totalBytes;

    await files.allocate(image, 64n << 20n);
    await loops.refresh(device);
    assert.equal(await disks.sizeBytes(device), 64n << 20n);
    if (canGrow) {
      await disks.grow(device, target, 'ext4');
      assert.ok((await files.statFs(target)).totalBytes > before);
    } else await assert.rejects(disks.grow(device, target, 'ext4'), /grow the ext4 of .*Permission denied/);

    await mounts.unmount(target);
    await assert.rejects(mounts.unmount(target), /unmount .*not mounted/);

    await files.allocate(image, 96n << 20n);
    await loops.refresh(device);
    assert.equal(
      await disks.growUnmounted(device, 'xfs'),
      false,
      'a kind that grows only while it is mounted',
    );
    assert.equal(await disks.growUnmounted(device, 'ext4'), true);
    await mounts.mount({ source: device, target, fsType: 'ext4' });
    assert.ok((await files.statFs(target)).totalBytes > 2n * before);
    await mounts.unmount(target);
    assert.equal(await disks.isInUse(device), false);
    await loops.detach(device);
    await loops.detach(device);
    for (const none of [join(directory, 'absent'), directory, image, '/dev/null'])
      assert.equal(await disks.isInUse(none), false);
  });

  it('a bind mount can be read-only', async (test) => {
    const { host, directory } = scratchDirectory(test);
    for (const name of ['source', 'target']) mkdirSync(join(directory, name));
    const target = join(directory, 'target');
    await host.mounts.mount({ source: join(directory, 'source'), target, options: ['bind', 'ro'] });
    assert.throws(() => writeFileSync(join(target, 'x'), ''), /EROFS/);
    const entry = (await host.mounts.list()).find((mount) => mount.target === target);
    assert.ok(entry?.options.includes('ro'));
    await host.mounts.unmount(target);
  });

  it('many attach at once, each gets a device of its own', async (test) => {
    const { host, directory } = scratchDirectory(test);
    const images = Array.from({ length: 6 }, (_, index) => join(directory, `image-${index}`));
    for (const image of images) await host.files.allocate(image, 1n << 20n);
    const devices = await Promise.all(images.map((image) => host.loops.attach(image)));
    assert.equal(new Set(devices).size, images.length);
    await Promise.all(devices.map((device) => host.loops.detach(device)));
  });

  it('a device in use is not said to be detached', async (test) => {
    const { host, directory } = scratchDirectory(test);
    const image = join(directory, 'image');
    const target = join(directory, 'target');
    mkdirSync(target);
    await host.files.allocate(image, 16n << 20n);
    const device = await host.loops.attach(image);
    await host.disks.format(device, 'ext4');
    await host.mounts.mount({ source: device, target, fsType: 'ext4' });
    const impatient = createLoopDevices(createProcesses(systemClock), systemClock, 100);
    await assert.rejects(impatient.detach(device), /still in use/);
    await host.mounts.unmount(target);
  });
});
