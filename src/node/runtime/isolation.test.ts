import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { Host } from '../../host/index.ts';
import { type Scratch, scratchDirectory, skipReason } from '../../host/linux/leftovers.test-support.ts';
import type { ContainerConfig } from './contract.ts';
import type { LinuxRuntime } from './linux-runtime.ts';
import { ended, logLines, openRuntime, shellContainer } from './runtime.test-support.ts';

const DEFAULT_CAPABILITIES = 'CapEff:\t00000000a00425fb';

let containers = 0;

/** What a container that runs the script says. */
async function output(runtime: LinuxRuntime, host: Host, script: string, more?: Partial<ContainerConfig>) {
  const containerName = `c${containers++}`;
  const { id } = await runtime.start(shellContainer(`exec 2>&1; ${script}`, { containerName, ...more }));
  const lines = await logLines(host, await ended(runtime, id));
  return lines.map((line) => line.replace('stdout F ', ''));
}

/** A directory of the host that is to be a volume. */
function volume({ directory }: Scratch, name: string): string {
  mkdirSync(join(directory, name));
  return join(directory, name);
}

const fakeTools = (path: string) => {
  for (const name of ['setpriv', 'umount', 'mkdir', 'mount', 'perl', 'chroot'])
    writeFileSync(join(path, name), '#!/bin/sh\ngrep CapEff /proc/self/status >/tmp/mine\nexit 9\n', {
      mode: 0o755,
    });
};

describe('a container as root', { skip: skipReason, timeout: 300_000 }, () => {
  it('can neither change nor see the machine by way of /proc, /sys and devices', async (test) => {
    const scratch = scratchDirectory(test);
    const { host } = scratch;
    const data = volume(scratch, 'data');
    execFileSync('mknod', [join(data, 'null'), 'c', '1', '3']);
    const script = `for f in /proc/sys/kernel/core_pattern /proc/sys/vm/swappiness /proc/sysrq-trigger /sys/power/state; do
        if [ -e $f ] && (: >>$f) 2>/dev/null; then echo "writes $f"; fi
      done
      cat /proc/kcore /proc/keys 2>/dev/null | head -c 1 | wc -c; ls /sys/firmware | wc -l
      (: </data/null) 2>&1 | grep -c denied
      mknod /tmp/disk b 7 0 2>&1 | grep -c permitted
      mount -o remount,rw /proc/sys 2>&1 | grep -c denied
      ls /proc/1/fd; grep CapEff /proc/self/status`;
    const mounts = [{ hostPath: data, containerPath: '/data', readOnly: false }];
    assert.deepEqual(await output(await openRuntime(scratch), host, script, { mounts }), [
      ...['0', '0', '1', '1', '1'],
      ...['0', '1', '2', DEFAULT_CAPABILITIES],
    ]);
  });

  it('is spared all of this when it is privileged', async (test) => {
    const scratch = scratchDirectory(test);
    const { security } = shellContainer('');
    const script =
      'mknod /tmp/null c 1 3 && mount -t tmpfs x /opt && [ -w /proc/sys/vm/swappiness ] && echo may';
    const lines = await output(await openRuntime(scratch), scratch.host, script, {
      security: { ...security, capabilities: ['all'] },
    });
    assert.deepEqual(lines, ['may']);
  });

  it('sees no secret of the host whose root it runs on', async (test) => {
    const scratch = scratchDirectory(test);
    const { host } = scratch;
    const script =
      'cat /etc/shadow /etc/gshadow /etc/ssh/ssh_host_*_key | wc -c; ls -A /root /home; cd; pwd; touch x';
    const environment = new Map([
      ['PATH', '/usr/bin:/bin'],
      ['HOME', '/root'],
    ]);
    const lines = await output(await openRuntime(scratch), host, script, { environment });
    assert.deepEqual(
      lines.filter((line) => !line.includes('No such file')),
      ['0', '/home:', '', '/root:', '/root'],
    );
  });

  it('has no more in a command that is run in it, whatever it has made of its programs', async (test) => {
    const scratch = scratchDirectory(test);
    const runtime = await openRuntime(scratch);
    const tools = volume(scratch, 'tools');
    fakeTools(tools);
    const { id } = await runtime.start(
      shellContainer('rm -f /usr/bin/setpriv; cp /tools/* /usr/bin; touch /tmp/done; sleep 100', {
        mounts: [{ hostPath: tools, containerPath: '/tools', readOnly: true }],
      }),
    );
    const script =
      'until [ -e /tmp/done ]; do sleep 0.02; done; cat /tmp/mine 2>/dev/null; grep CapEff /proc/self/status';
    for (let time = 0; time < 2; time++) {
      const { stdout } = await runtime.exec(id, ['sh', '-c', script], { timeoutMs: 30_000 });
      assert.equal(stdout, `${DEFAULT_CAPABILITIES}\n`);
    }
  });

  it('has no more in its start, whatever its volumes put in place of programs', async (test) => {
    const scratch = scratchDirectory(test);
    const { host } = scratch;
    const tools = volume(scratch, 'tools');
    fakeTools(tools);
    for (const name of ['sh', 'cat', 'grep']) {
      copyFileSync(`/bin/${name}`, join(tools, name));
      chmodSync(join(tools, name), 0o755);
    }
    const script = 'cat /tmp/mine; grep CapEff /proc/self/status';
    const lines = await output(await openRuntime(scratch), host, script, {
      mounts: [{ hostPath: tools, containerPath: '/usr/bin', readOnly: true }],
      workingDir: '/made/for/it',
    });
    assert.deepEqual(lines, ['cat: /tmp/mine: No such file or directory', DEFAULT_CAPABILITIES]);
  });

  it('is not entered by a number that has gone to another process', async (test) => {
    const scratch = scratchDirectory(test);
    await openRuntime(scratch);
    const program = join(scratch.directory, 'runtime/enter.pl');
    const { status, stderr } = spawnSync('perl', [
      program,
      'exec',
      String(process.pid),
      '1',
      '',
      '0',
      '0',
      '',
      '',
      '0',
    ]);
    assert.deepEqual([status, stderr.toString()], [125, 'error cannot enter the container: it has ended\n']);
  });
});

for (const name of ['enter.pl', 'program.pl', 'session.pl', 'streams.pl', 'terminal.pl'])
  it(`${name}, which enters containers, passes the checks that it does not load`, () => {
    const program = join(import.meta.dirname, name);
    const { stderr } = spawnSync('perl', ['-Mstrict', '-Mwarnings', '-c', program]);
    assert.equal(stderr.toString(), `${program} syntax OK\n`);
  });

describe('volumes of a container', { skip: skipReason, timeout: 300_000 }, () => {
  it('below another follow links in the container, not to the host', async (test) => {
    const scratch = scratchDirectory(test);
    const { host, directory } = scratch;
    const outer = volume(scratch, 'outer');
    const inner = volume(scratch, 'inner');
    writeFileSync(join(inner, 'file'), '');
    // Whether a link leads to a file that only the host has, or out of the volume, or to process 1's root.
    const links = {
      'old-root': `/mnt${directory}`,
      process: '/proc/1/root/tmp',
      above: '../../../../tmp',
      own: '/run',
    };
    for (const [name, target] of Object.entries(links)) symlinkSync(target, join(outer, name));
    const runtime = await openRuntime(scratch);
    const below = (name: string) => ({
      mounts: [
        { hostPath: outer, containerPath: '/data', readOnly: false },
        { hostPath: inner, containerPath: `/data/${name}/x`, readOnly: false },
      ],
    });
    assert.deepEqual(await output(runtime, host, 'ls /data/process/x /tmp/x', below('process')), [
      ...['/data/process/x:', 'file', '', '/tmp/x:', 'file'],
    ]);
    assert.deepEqual(await output(runtime, host, 'ls /tmp/x', below('above')), ['file']);
    assert.deepEqual(await output(runtime, host, 'ls /run/x', below('own')), ['file']);
    await assert.rejects(output(runtime, host, 'true', below('old-root')), /cannot make .*\/data\/old-root/);
    for (const path of [directory, outer, '/tmp', '/run']) assert.ok(!existsSync(join(path, 'x')), path);
    assert.deepEqual(readdirSync(inner), ['file']);
  });

  it('can be at /mnt', async (test) => {
    const scratch = scratchDirectory(test);
    const data = volume(scratch, 'data');
    const at = `/mnt${data}`;
    writeFileSync(join(data, 'file'), '');
    const mounts = [{ hostPath: data, containerPath: at, readOnly: false }];
    const runtime = await openRuntime(scratch);
    assert.deepEqual(await output(runtime, scratch.host, `ls ${at}`, { mounts }), ['file']);
  });

  it('keep the options that they are mounted with when they are bound read-only', async (test) => {
    const scratch = scratchDirectory(test);
    const { host } = scratch;
    const data = volume(scratch, 'data');
    const options = ['noexec', 'nosuid', 'size=1m'];
    await host.mounts.mount({ source: 'vol', target: data, fsType: 'tmpfs', options });
    scratch.defer(() => host.mounts.unmount(data));
    const mounts = [{ hostPath: data, containerPath: '/data', readOnly: true }];
    const runtime = await openRuntime(scratch);
    const [line] = await output(runtime, host, "mount | grep ' /data '", { mounts });
    assert.match(line!, /\(ro,nosuid,nodev,noexec,/);
  });

  it('show what the host mounts below later only where that was asked for', async (test) => {
    const scratch = scratchDirectory(test);
    const { host } = scratch;
    const data = volume(scratch, 'data');
    mkdirSync(join(data, 'below'));
    // Propagation begins at a mount that is shared.
    execFileSync('mount', ['--bind', data, data]);
    execFileSync('mount', ['--make-shared', data]);
    scratch.defer(() => host.mounts.unmount(data));
    const mounts = (['HostToContainer', 'None'] as const).map((propagation) => {
      return { hostPath: data, containerPath: `/${propagation}`, readOnly: false, propagation };
    });
    const runtime = await openRuntime(scratch);
    const { id } = await runtime.start(shellContainer('sleep 100', { mounts }));
    await host.mounts.mount({ source: 'late', target: join(data, 'below'), fsType: 'tmpfs' });
    const { stdout } = await runtime.exec(id, ['sh', '-c', 'mount | grep ^late'], { timeoutMs: 30_000 });
    await host.mounts.unmount(join(data, 'below'));
    assert.match(stdout, /^late on \/HostToContainer\/below type tmpfs [^\n]*\n$/);
  });
});

describe('without an overlay', { skip: skipReason, timeout: 300_000 }, () => {
  it('the root is read-only, and what is to be hidden is', async (test) => {
    const scratch = scratchDirectory(test);
    const { host } = scratch;
    const { processes } = host;
    const noOverlay: Host = {
      ...host,
      processes: {
        ...processes,
        exec: (command, args, options) =>
          processes.exec(
            args.some((arg) => arg.endsWith('probe-overlay.sh')) ? 'false' : command,
            args,
            options,
          ),
      },
    };
    const runtime = await openRuntime({ ...scratch, host: noOverlay });
    const script =
      'touch /etc/x; cat /etc/hostname; cat /etc/shadow | wc -c; ls -A /root; touch /tmp/x && echo scratch; ls /data';
    const data = volume(scratch, 'data');
    writeFileSync(join(data, 'file'), '');
    const mounts = [{ hostPath: data, containerPath: '/data', readOnly: false }];
    const lines = await output(runtime, host, script, { mounts });
    assert.deepEqual(lines, [
      "touch: cannot touch '/etc/x': Read-only file system",
      ...['web-0', '0', 'scratch', 'file'],
    ]);
    assert.match(runtime.rootDescription, /no overlay/);
  });
});
