import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { kubectl, kubectlUntil, type Up, up, waitGone } from '../support/command.ts';
import { leftOnMachine } from '../support/left.ts';
import { claimOf, scriptPod, storageClass, volumeOf } from '../support/manifests.ts';
import { MachineScratch, notInMachine } from './support.ts';

/** The machine may be an emulated one. */
const LONG_MS = 300_000;
const MIB = 1024 * 1024;

/** Says how large its file system is, again and again, and first what holds it. */
const SCRIPT = `
  awk '$2 == "/v" { print "mounted", $3 }' /proc/mounts
  echo "limited $(cat /sys/fs/cgroup/memory.max)"
  echo data > /v/file
  while :; do echo "size $(df -k --output=size /v | tail -1)"; sleep 1; done`;

describe('`stowage up` on a kernel that can do everything', { skip: notInMachine }, () => {
  const scratch = new MachineScratch();
  let stack: Up;

  before(async () => {
    stack = await up(scratch.directory, [], [], LONG_MS);
    scratch.defer(() => stack.end('SIGTERM'));
  });

  const k = (...args: string[]) => kubectl(stack.kubeconfig, args, { limitMs: LONG_MS });
  const apply = (...items: object[]) =>
    kubectl(stack.kubeconfig, ['apply', '-f', '-'], {
      input: items.map((item) => JSON.stringify(item)).join('\n'),
      limitMs: LONG_MS,
    });
  const says = (pod: string, line: RegExp) =>
    kubectlUntil(stack.kubeconfig, ['logs', '-f', pod], line, { limitMs: LONG_MS });

  for (const [fsType, [small, large]] of Object.entries({ ext4: [64, 128], xfs: [320, 400] } as const))
    it(`${fsType}: a pod in a control group writes to a volume, which grows under it, and its data stays`, async () => {
      const parameters = { 'csi.storage.k8s.io/fstype': fsType };
      await apply(
        storageClass(fsType, 'disk.csi.stowage.dev', { parameters, allowVolumeExpansion: true }),
        claimOf(fsType, `${small}Mi`, { storageClassName: fsType }),
        scriptPod(
          fsType,
          SCRIPT,
          { v: volumeOf(fsType) },
          { container: { resources: { limits: { memory: '64Mi' } } } },
        ),
      );
      await k('wait', '--for=jsonpath={.status.phase}=Running', `pod/${fsType}`, '--timeout=280s');
      await says(fsType, new RegExp(`^mounted ${fsType}$`));
      await says(fsType, new RegExp(`^limited ${64 * MIB}$`));
      const sizeKib = async (line: RegExp) => Number(/\d+/.exec(await says(fsType, line))![0]);
      const before = await sizeKib(/^size +\d+$/);
      assert.ok(before < small * 1024, String(before));
      const storage = `${large}Mi`;
      await k(
        'patch',
        'pvc',
        fsType,
        '-p',
        JSON.stringify({ spec: { resources: { requests: { storage } } } }),
      );
      await k(
        'wait',
        `--for=jsonpath={.status.capacity.storage}=${storage}`,
        `pvc/${fsType}`,
        '--timeout=280s',
      );
      // A file system is a little smaller than its device.
      const grown = new RegExp(`^size +(?!${before}$)\\d+$`);
      assert.ok((await sizeKib(grown)) > before * 1.15);
      assert.equal(await k('exec', fsType, '--', 'cat', '/v/file'), 'data\n');

      await k('delete', 'pod', fsType, '--timeout=280s');
      await apply(scriptPod('next', 'cat /v/file; exec sleep 3600', { v: volumeOf(fsType) }));
      await k('wait', '--for=jsonpath={.status.phase}=Running', 'pod/next', '--timeout=280s');
      await says('next', /^data$/);
      await k('delete', 'pod/next', `pvc/${fsType}`, '--timeout=280s');
      await waitGone(stack.kubeconfig, 'pv', LONG_MS);
      assert.deepEqual(await leftOnMachine(scratch.directory), []);
    });

  it('ends at a signal and leaves nothing mounted', async () => {
    assert.equal(await stack.end('SIGTERM'), 0);
    assert.deepEqual(await leftOnMachine(join(scratch.directory)), []);
  });
});
