import assert from 'node:assert/strict';
import { join } from 'node:path';
import { silentLogger, systemClock, systemRandom, withDeadline } from '../../base/index.ts';
import { createLinuxHost, type Host } from '../../host/index.ts';
import type { Scratch } from '../../host/linux/leftovers.test-support.ts';
import type { ContainerConfig, ContainerRecord } from './contract.ts';
import { LinuxRuntime } from './linux-runtime.ts';
import { DEFAULT_CAPABILITIES } from './security.ts';

export function runtimeAt(
  directory: string,
  host: Host = createLinuxHost({ clock: systemClock }),
): LinuxRuntime {
  return new LinuxRuntime({
    host,
    clock: systemClock,
    random: systemRandom,
    log: silentLogger,
    directory: join(directory, 'runtime'),
    logRoot: join(directory, 'log'),
  });
}

/** An open runtime; at the test's end its containers are stopped and removed. */
export async function openRuntime({ host, directory, defer }: Scratch): Promise<LinuxRuntime> {
  const runtime = runtimeAt(directory, host);
  await runtime.open();
  defer(async () => {
    for (const { id, pid } of runtime.containers()) {
      await runtime.stop(id, 0);
      await runtime.remove(id);
      assert.equal(await host.processes.find(pid), undefined, 'the process of a stopped container');
    }
    assert.deepEqual(await host.files.list(join(directory, 'runtime/containers')), []);
    await runtime.close();
  });
  return runtime;
}

/** A container that runs a shell script. */
export function shellContainer(script: string, more: Partial<ContainerConfig> = {}): ContainerConfig {
  return {
    podUid: 'uid-of-web-0',
    podNamespace: 'default',
    podName: 'web-0',
    containerName: 'main',
    attempt: 0,
    image: 'example.com/app:1',
    hostname: 'web-0',
    command: ['sh', '-c', script],
    environment: new Map([['PATH', '/usr/sbin:/usr/bin:/sbin:/bin']]),
    workingDir: '/',
    mounts: [],
    etcFiles: { hosts: '127.0.0.1\tweb-0\n', hostname: 'web-0\n' },
    terminationMessagePath: '/dev/termination-log',
    terminationMessageFromLog: false,
    security: {
      uid: 0,
      gid: 0,
      supplementalGroups: [],
      capabilities: DEFAULT_CAPABILITIES,
      noNewPrivileges: false,
      readOnlyRootFilesystem: false,
    },
    ...more,
  };
}

/** The record of a container once it has ended by itself. */
export function ended(runtime: LinuxRuntime, id: string, limitMs = 60_000): Promise<ContainerRecord> {
  const present = () => runtime.containers().find((record) => record.id === id && record.state === 'exited');
  const { promise, resolve } = Promise.withResolvers<ContainerRecord>();
  const stop = runtime.onExit((record) => {
    if (record.id === id) resolve(record);
  });
  const already = present();
  if (already) resolve(already);
  return withDeadline(systemClock, limitMs, `end of container ${id}`, promise).finally(stop);
}

/** What a log says, without its times. A line that was written in pieces (tag P until the last) is one line. */
export async function logLines(host: Host, record: ContainerRecord): Promise<string[]> {
  const text = await host.files.read(record.logPath);
  const lines: string[] = [];
  const open = new Map<string, string>();
  for (const entry of text.split('\n').slice(0, -1)) {
    const [, stream, tag, content] = /^\S+ (\S+) (\S+) (.*)$/s.exec(entry)!;
    const whole = (open.get(stream!) ?? '') + content;
    if (tag === 'P') open.set(stream!, whole);
    else {
      open.delete(stream!);
      lines.push(`${stream} F ${whole}`);
    }
  }
  for (const [stream, rest] of open) lines.push(`${stream} P ${rest}`);
  return lines;
}
