import assert from 'node:assert/strict';
import { mkdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { systemClock } from '../../src/base/index.ts';
import { createLinuxHost } from '../../src/host/linux/index.ts';
import { cannotMount, kubectlUntil } from '../support/command.ts';
import { leftOnMachine } from '../support/left.ts';
import { scriptPod } from '../support/manifests.ts';
import { suiteCluster } from '../support/suite-cluster.ts';

const host = createLinuxHost({ clock: systemClock });

/** Of a path of each kind, by the type of hostPath that it is: how a shell asks for it, and how the kubelet calls it. */
const KINDS = {
  Directory: { test: '-d', what: 'a directory' },
  File: { test: '-f', what: 'a file' },
  Socket: { test: '-S', what: 'a socket file' },
  CharDevice: { test: '-c', what: 'a character device' },
  BlockDevice: { test: '-b', what: 'a block device' },
};
type Kind = keyof typeof KINDS;

describe('paths of the node', { skip: cannotMount }, () => {
  const cluster = suiteCluster();
  const server = createServer();
  let device: string | undefined;
  const paths = {} as Record<Kind, string>;

  before(async () => {
    const root = join(cluster.directory, 'paths');
    await mkdir(join(root, 'directory'), { recursive: true });
    await writeFile(join(root, 'file'), 'there');
    await new Promise<void>((resolve) => server.listen(join(root, 'socket'), resolve));
    await writeFile(join(root, 'image'), Buffer.alloc(1 << 20));
    device = await host.loops.attach(join(root, 'image'));
    Object.assign(paths, {
      Directory: join(root, 'directory'),
      File: join(root, 'file'),
      Socket: join(root, 'socket'),
      CharDevice: '/dev/null',
      BlockDevice: device,
    });
  });
  after(async () => {
    server.close();
    if (device) await host.loops.detach(device);
  });

  it('of every type are mounted as what they are, through links too; what may be made is made', async () => {
    const { k, apply, says } = cluster;
    const root = join(cluster.directory, 'paths');
    await symlink(paths.Directory, join(root, 'link'));
    const volumes: Record<string, object> = {};
    const tests: string[] = [];
    const expect = (name: string, path: string, type: string, test: string) => {
      volumes[name] = { hostPath: { path, type } };
      tests.push(`[ ${test} /${name} ] || echo ${name} is something else`);
    };
    for (const [type, { test }] of Object.entries(KINDS))
      expect(`as-${type.toLowerCase()}`, paths[type as Kind], type, test);
    expect('unset', paths.File, '', '-f');
    expect('unset-new', join(root, 'unset/new'), '', '-d');
    expect('link', join(root, 'link'), 'Directory', '-d');
    expect('there', paths.Directory, 'DirectoryOrCreate', '-d');
    expect('new-directory', join(root, 'new/deep'), 'DirectoryOrCreate', '-d');
    expect('new-file', join(root, 'new-file'), 'FileOrCreate', '-f');
    const script = `${tests.join('; ')}; echo written > /new-file; echo all seen; exec sleep 3600`;
    await apply(scriptPod('all', script, volumes));
    await k('wait', '--for=jsonpath={.status.phase}=Running', 'pod/all', '--timeout=60s');
    await says('all', /^all seen$/);
    assert.equal(await k('logs', 'all'), 'all seen\n');
    assert.equal(await readFile(join(root, 'new-file'), 'utf8'), 'written\n');
    assert.equal((await stat(join(root, 'new/deep'))).mode & 0o777, 0o755);
    await k('delete', 'pod', 'all');
    assert.equal(await readFile(paths.File, 'utf8'), 'there', 'what the node has stays');
    assert.deepEqual(await leftOnMachine(cluster.directory), []);
  });

  it('that are something else, or nothing, are not mounted, and the pods are told', async () => {
    const { k, apply } = cluster;
    const cases = Object.entries(KINDS).flatMap(([type, { what }]) => {
      const other = type === 'Directory' ? paths.File : paths.Directory;
      return [other, join(cluster.directory, 'absent')].map((path) => ({ type, path, what }));
    });
    cases.push({ type: 'DirectoryOrCreate', path: paths.File, what: 'a directory' });
    cases.push({ type: 'FileOrCreate', path: paths.Directory, what: 'a file' });
    await apply(
      ...cases.map(({ type, path }, index) =>
        scriptPod(`wrong-${index}`, 'exec sleep 3600', { v: { hostPath: { path, type } } }),
      ),
    );
    for (const [index, { path, what }] of cases.entries()) {
      const told = `Warning FailedMount MountVolume.SetUp failed for volume "v" : hostPath type check failed: ${path} is not ${what}`;
      const events = ['--field-selector', `involvedObject.name=wrong-${index}`, '-w'];
      const line = 'jsonpath={.type} {.reason} {.message}{"\\n"}';
      await kubectlUntil(
        cluster.kubeconfig,
        ['get', 'events', ...events, '-o', line],
        new RegExp(`^${told}$`),
      );
    }
    await k('delete', 'pods', '--all');
    assert.deepEqual(await leftOnMachine(cluster.directory), []);
  });
});
