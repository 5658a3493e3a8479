import assert from 'node:assert/strict';
import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { layoutOf } from '../../src/cluster/layout.ts';
import {
  cannotMount,
  EXAMPLE,
  kubectl,
  kubectlResult,
  kubectlUntil,
  run,
  stowage,
  type Up,
  up,
} from '../support/command.ts';
import { deleteEverything } from '../support/delete-everything.ts';
import { inDirectory } from '../support/in-directory.ts';
import { requireKubectl } from '../support/kubectl.ts';
import { kubectlOf } from '../support/kubectl-of.ts';
import { leftOnMachine } from '../support/left.ts';
import { scriptPod } from '../support/manifests.ts';
import { SmallDisk } from '../support/small-disk.ts';

const layoutIn = (directory: string) => layoutOf(join(directory, 'data'), {});

const configMap = (name: string, bytes: number) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name },
  data: { text: 'x'.repeat(bytes) },
});

const namesOf = async (stack: Up, resource: string) =>
  (await kubectl(stack.kubeconfig, ['get', resource, '-o', 'name'])).trim().split('\n').sort();

describe('a full disk', { skip: cannotMount, timeout: 600_000 }, () => {
  before(requireKubectl);

  it('under the pool: the claim says so, nothing is left there, and it goes on once there is room', () =>
    inDirectory(async (directory) => {
      const disk = await SmallDisk.mount(layoutIn(directory).pool, 200);
      const stack = await up(directory, ['--log-level', 'silent']);
      const { k } = kubectlOf(() => stack.kubeconfig);
      const free = await disk.fill();
      await k('apply', '-f', EXAMPLE);
      const template = 'jsonpath={.reason} {.message}{"\\n"}';
      const told = await kubectlUntil(
        stack.kubeconfig,
        ['get', 'events', '--watch', '-o', template],
        /^ProvisioningFailed/,
      );
      assert.match(
        told,
        /^ProvisioningFailed rpc error: code = ResourceExhausted desc = the pool \S+ has 0 bytes free, 67108864 asked; free space or lower the request$/,
      );
      assert.deepEqual(await leftOnMachine(directory), [
        `image file ${join(layoutIn(directory).pool, 'filler')}`,
      ]);
      await free();
      await k('rollout', 'status', 'statefulset/web', '--timeout=60s');
      await deleteEverything(stack, directory);
      assert.equal(await stack.end('SIGTERM'), 0);
    }));

  it('under the state: writes are refused, nothing acknowledged is lost, and it goes on once there is room', () =>
    inDirectory(async (directory) => {
      const disk = await SmallDisk.mount(layoutIn(directory).state, 24);
      const first = await up(directory, ['--nodes', '0', '--log-level', 'silent']);
      const free = await disk.fill();
      const items = Array.from({ length: 20 }, (_, index) => configMap(`map-${index}`, 200_000));
      const create = (stack: Up, ...objects: object[]) =>
        kubectlResult(stack.kubeconfig, ['create', '-f', '-'], {
          input: JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }),
        });
      const refused = await create(first, ...items);
      assert.equal(refused.code, 1);
      assert.match(
        refused.stderr,
        /Error from server \(InternalError\): .*write to \S+\/state\/state.db: no space left on device; free some space/,
      );
      const acknowledged = [...refused.stdout.matchAll(/^(configmap\/\S+) created$/gm)]
        .map(([, name]) => name!)
        .sort();
      const kept = await namesOf(first, 'configmaps');
      assert.deepEqual(
        kept.filter((name) => name.startsWith('configmap/map-')),
        acknowledged,
      );

      await free();
      const admitted = await create(first, configMap('afterwards', 200_000));
      assert.equal(admitted.code, 0, admitted.stderr);
      await first.end('SIGKILL');
      const second = await up(directory, ['--nodes', '0']);
      const found = (await namesOf(second, 'configmaps')).filter((name) => /map-|afterwards/.test(name));
      assert.deepEqual(found, ['configmap/afterwards', ...acknowledged].sort());
      assert.equal(await second.end('SIGTERM'), 0);
    }));

  it('under the node, or one that cannot be written: pods are told, others are left alone, and it goes on afterwards', () =>
    inDirectory(async (directory) => {
      const nodeRoot = join(directory, 'root');
      const disk = await SmallDisk.mount(nodeRoot, 16);
      const stack = await up(directory, ['--log-level', 'silent', '--node-root', nodeRoot]);
      const { k, apply } = kubectlOf(() => stack.kubeconfig);
      const runs = (name: string) => k('wait', '--for=condition=Ready', `pod/${name}`, '--timeout=60s');
      const told = (name: string, says: RegExp) =>
        kubectlUntil(
          stack.kubeconfig,
          [
            ...['get', 'events', '--watch', '--field-selector', `involvedObject.name=${name}`],
            ...['-o', 'jsonpath={.reason} {.message}{"\\n"}'],
          ],
          says,
          { limitMs: 60_000 },
        );
      const reader = (name: string) =>
        scriptPod(name, 'exec sleep 3600', { text: { configMap: { name: 'text' } } });
      await apply(configMap('text', 100_000), reader('before'));
      await runs('before');
      const read = () => k('exec', 'before', '--', 'cat', '/text/text');
      assert.equal((await read()).length, 100_000);

      const free = await disk.fill();
      await apply(reader('full'));
      await told(
        'full',
        /^FailedMount MountVolume\.SetUp failed for volume "\S+" : .*no space left on device/i,
      );
      assert.equal((await read()).length, 100_000);
      await free();
      await runs('full');

      await disk.setReadOnly(true);
      await apply(reader('sealed'));
      await told('sealed', /^Failed.*read-only file system/i);
      assert.equal((await read()).length, 100_000);
      await disk.setReadOnly(false);
      await runs('sealed');
      await k('delete', 'pods', '--all', '--timeout=60s');
      const pods = await readdir(join(nodeRoot, 'pods'));
      assert.deepEqual(pods, []);
      assert.equal(await stack.end('SIGTERM'), 0);
    }));

  it('at the start: one line', () =>
    inDirectory(async (directory) => {
      const disk = await SmallDisk.mount(join(directory, 'data'), 1);
      await disk.fill();
      await assertRefused(
        ['--data-dir', join(directory, 'data'), '--nodes', '0'],
        /no space left.*free some space/,
      );
    }));
});

async function assertRefused(flags: readonly string[], says: RegExp): Promise<void> {
  const { code, stderr } = await stowage(['up', '--port', '0', ...flags], { limitMs: 60_000 });
  assert.match(stderr, says);
  assert.match(stderr, /^stowage: (?!failed)[^\n]*\n$/, 'one line, of a mistake that the user can mend');
  assert.equal(code, 1);
}

describe('paths', { skip: cannotMount, timeout: 600_000 }, () => {
  before(requireKubectl);

  it('too long for a Unix socket are refused before anything is made there', () =>
    inDirectory(async (directory) => {
      const deep = join(directory, 'd'.repeat(90));
      const says =
        /too deep: socket path \S+-reg.sock: \d+ bytes, at most 107 are possible; choose a shorter directory/;
      await assertRefused(['--data-dir', deep], says);
      await assertRefused(['--data-dir', join(directory, 'data'), '--node-root', deep], says);
    }));

  it('of a file, or on a read-only file system, are refused', () =>
    inDirectory(async (directory) => {
      const file = join(directory, 'file');
      await writeFile(file, '');
      await assertRefused(
        ['--data-dir', file],
        /the data directory \S+\/file cannot be used: .*; name another with --data-dir/,
      );
      const nodeRoot = ['--data-dir', join(directory, 'data'), '--node-root', file];
      await assertRefused(
        nodeRoot,
        /the kubelet root \S+\/file cannot be used: .*; name another with --node-root/,
      );
      const readyFile = ['--nodes', '0', '--ready-file', join(directory, 'none', 'ready')];
      await assertRefused(
        ['--data-dir', join(directory, 'data'), ...readyFile],
        /--ready-file \S+\/none\/ready cannot be written: ENOENT/,
      );
      await assertRefused(['--data-dir', '/proc/self'], /the data directory \/proc\/self cannot be used/);
    }));

  it('that are symbolic links lead to what they name', () =>
    inDirectory(async (directory) => {
      await mkdir(join(directory, 'far', 'data'), { recursive: true });
      await mkdir(join(directory, 'far', 'root'), { recursive: true });
      await symlink(join(directory, 'far', 'data'), join(directory, 'data'));
      await symlink(join(directory, 'far', 'root'), join(directory, 'root'));
      const stack = await up(directory, ['--node-root', join(directory, 'root')]);
      const { k, says } = kubectlOf(() => stack.kubeconfig);
      await k('apply', '-f', EXAMPLE);
      await k('rollout', 'status', 'statefulset/web', '--timeout=60s');
      await says('web-0', /^\/dev\/loop\d+ on \/data type ext4 /);
      await deleteEverything(stack, directory);
      assert.equal(await stack.end('SIGTERM'), 0);
      const left = await run('sh', [
        '-c',
        'find "$0"/far -name "*.img" -o -path "*/pods/*" -o -name globalmount',
        directory,
      ]);
      assert.equal(left.stdout, '');
    }));
});
