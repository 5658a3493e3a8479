import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { cannotMount } from '../support/command.ts';
import { leftOnMachine } from '../support/left.ts';
import { claimOf, DISK_CLASS, scriptPod, storageClass, volumeOf } from '../support/manifests.ts';
import { suiteCluster } from '../support/suite-cluster.ts';

/** The smallest volume that each takes. */
const SIZES = { ext4: '16Mi', xfs: '320Mi', btrfs: '128Mi' };

function cannotMake(fsType: string): string | false {
  try {
    execFileSync(`mkfs.${fsType}`, ['-V'], { stdio: 'ignore' });
  } catch {
    return `needs mkfs.${fsType}`;
  }
  const known = readFileSync('/proc/filesystems', 'utf8').includes(`\t${fsType}\n`);
  return known ? false : `the kernel has no ${fsType}`;
}

describe('file systems of volumes', { skip: cannotMount }, () => {
  const cluster = suiteCluster();
  /** Runs a script on a claim to its end; resolves to what it said. */
  async function said(name: string, script: string, source: object, spec: object = {}): Promise<string> {
    const { k, apply } = cluster;
    await apply(scriptPod(name, script, { v: source }, { spec: { restartPolicy: 'Never', ...spec } }));
    await k('wait', '--for=jsonpath={.status.phase}=Succeeded', `pod/${name}`, '--timeout=60s');
    const text = await k('logs', name);
    await k('delete', 'pod', name);
    return text;
  }

  for (const [fsType, size] of Object.entries(SIZES))
    it(`${fsType}: as its class asks, with its mount options, and read-only for who may only read`, {
      skip: cannotMake(fsType),
    }, async () => {
      const { k, apply } = cluster;
      const parameters = { 'csi.storage.k8s.io/fstype': fsType };
      await apply(
        storageClass(fsType, 'disk.csi.stowage.dev', { parameters, mountOptions: ['noatime', 'nosuid'] }),
        claimOf(fsType, size, { storageClassName: fsType }),
      );
      const mounted = 'awk \'$2 == "/v" { print $3, $4 }\' /proc/mounts';
      const told = await said('writer', `echo data > /v/file; ${mounted}`, volumeOf(fsType));
      const [type, options] = told.trim().split(' ');
      assert.equal(type, fsType);
      for (const option of ['rw', 'noatime', 'nosuid'])
        assert.ok(options!.split(',').includes(option), options);
      const readOnly = { persistentVolumeClaim: { claimName: fsType, readOnly: true } };
      const script = 'cat /v/file; ! touch /v/new 2>/dev/null && ls /v | grep -c new';
      assert.equal(await said('reader', `${script}; exit 0`, readOnly), 'data\n0\n');
      await k('delete', 'pvc', fsType);
      await cluster.gone('pv');
    });

  it('are given to the pod’s group, wholly, or only when their root shows that they are not yet', async () => {
    const { k, apply } = cluster;
    await apply(DISK_CLASS, claimOf('shared', '16Mi', { storageClassName: 'disk' }));
    const groups = 'stat -c "%g %a" /v/file';
    const asRoot = () =>
      said(
        'root',
        `umask 077; rm -f /v/file; echo x > /v/file; chgrp 0 /v/file; ${groups}`,
        volumeOf('shared'),
      );
    const as = (name: string, security: object, script = groups) =>
      said(name, script, volumeOf('shared'), { securityContext: { fsGroup: 4242, ...security } });
    const onMismatch = { fsGroupChangePolicy: 'OnRootMismatch' };
    assert.equal(await asRoot(), '0 600\n');
    assert.equal(await as('first', onMismatch), '4242 660\n', 'its root was not the group’s');
    assert.equal(await asRoot(), '0 600\n');
    assert.equal(await as('second', onMismatch), '0 600\n', 'its root is');
    const user = { runAsUser: 1000, runAsGroup: 1000 };
    const mine = `${groups}; cat /v/file; echo > /v/mine; stat -c "%u %g" /v/mine`;
    assert.equal(await as('user', user, mine), '4242 660\nx\n1000 4242\n', 'always, if nobody says else');
    await k('delete', 'pvc', 'shared');
    await cluster.gone('pv');
    assert.deepEqual(await leftOnMachine(cluster.directory), []);
  });
});
