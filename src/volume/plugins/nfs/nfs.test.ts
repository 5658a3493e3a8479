import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PersistentVolume, Pod, Stored } from '../../../kube/index.ts';
import { UncertainProgressError } from '../../operation-error.ts';
import { specFromPersistentVolume, specFromVolume } from '../../spec.ts';
import { RecordedHost } from '../recorded-host.test-support.ts';
import { createNfsPlugin } from './nfs.ts';

const { signal } = new AbortController();
const pod = { metadata: { name: 'p', namespace: 'ns', uid: 'u-1' } } as unknown as Stored<Pod>;
const context = { pod, signal };
const nfs = { server: 'nas.example', path: '/export' };
const spec = specFromVolume({ name: 'v', nfs });
const path = '/root/pods/u-1/volumes/kubernetes.io~nfs/v';

function start() {
  const recorded = new RecordedHost();
  return { recorded, plugin: createNfsPlugin({ host: recorded.host, nodeRoot: '/root' }) };
}

const persistent = (more: object, readOnly: boolean, source: object = nfs) =>
  specFromPersistentVolume(
    { metadata: { name: 'v' }, spec: { nfs: source, ...more } } as unknown as Stored<PersistentVolume>,
    readOnly,
  );

describe('NFS volumes', () => {
  const mounts: [string, ReturnType<typeof persistent>, string][] = [
    ['written in the pod', spec, `mount nfs nas.example:/export ${path} []`],
    [
      'read-only in the pod',
      specFromVolume({ name: 'v', nfs: { ...nfs, readOnly: true } }),
      `mount nfs nas.example:/export ${path} [ro]`,
    ],
    [
      'with mount options, each once and sorted',
      persistent({ mountOptions: ['vers=4.1', 'hard', 'ro'] }, true),
      `mount nfs nas.example:/export ${path} [hard,ro,vers=4.1]`,
    ],
    [
      'whose own field says read-only, which counts for nothing',
      persistent({}, false, { ...nfs, readOnly: true }),
      `mount nfs nas.example:/export ${path} []`,
    ],
    [
      'on an IPv6 server',
      persistent({}, false, { server: 'fd00::1', path: '/x' }),
      `mount nfs [fd00::1]:/x ${path} []`,
    ],
  ];
  for (const [name, one, command] of mounts)
    it(`${name}`, async () => {
      const { recorded, plugin } = start();
      for (let i = 0; i < 2; i++) await plugin.mounter.setUp(one, context);
      assert.deepEqual(recorded.done, [command]);
    });

  it('are told apart by server and path', () => {
    const { plugin } = start();
    assert.equal(plugin.volumeName(spec), 'nas.example//export');
    assert.throws(() => plugin.volumeName(specFromVolume({ name: 'v' })), /Spec does not reference a NFS/);
  });

  it('that cannot be mounted leave nothing, and say what is missing', async () => {
    const { recorded, plugin } = start();
    recorded.mountFails = { message: 'you might need a /sbin/mount.<type> helper program.' };
    await assert.rejects(
      plugin.mounter.setUp(spec, context),
      /helper program.; the NFS client is missing: install the Debian package nfs-common$/,
    );
    assert.equal(recorded.done.at(-1), `rmdir ${path}`);
    recorded.mountFails = { message: "unknown filesystem type 'nfs'." };
    await assert.rejects(plugin.mounter.setUp(spec, context), /the NFS client is missing/);
    recorded.mountFails = { message: 'access denied by server', isMounted: true };
    await assert.rejects(plugin.mounter.setUp(spec, context), /^Error: access denied by server$/);
    assert.deepEqual(recorded.done.slice(-2), [`umount ${path}`, `rmdir ${path}`]);
    recorded.unmountHangs = true;
    await assert.rejects(plugin.mounter.setUp(spec, context), UncertainProgressError);
  });

  it('are unmounted, by force when the server does not answer', async () => {
    const { recorded, plugin } = start();
    await plugin.mounter.setUp(spec, context);
    recorded.unmountHangs = true;
    for (let i = 0; i < 2; i++) await plugin.mounter.tearDown('v', 'u-1', signal);
    assert.deepEqual(
      recorded.done.filter((line) => line.startsWith('umount')),
      [`umount ${path}`, `umount --force ${path}`],
    );
    assert.deepEqual(recorded.table, []);
  });

  it('are unmounted when the end comes just as it is forced', async () => {
    const { recorded, plugin } = start();
    await plugin.mounter.setUp(spec, context);
    recorded.unmountHangs = 'until it is killed';
    await plugin.mounter.tearDown('v', 'u-1', signal);
    assert.deepEqual(recorded.table, []);
  });
});
