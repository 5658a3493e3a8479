import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seededRandom } from '../../base/index.ts';
import type { Files, Host, MountEntry } from '../../host/index.ts';
import type { PersistentVolume, Pod, Stored } from '../../kube/index.ts';
import { specFromPersistentVolume, specFromVolume } from '../spec.ts';
import { createSeLinux, mountLabel } from './index.ts';

/** What Fedora has. */
const FEDORA = {
  '/etc/selinux/config': '# policy\nSELINUX=enforcing\nSELINUXTYPE=targeted\n',
  '/etc/selinux/targeted/contexts/lxc_contexts':
    'process = "system_u:system_r:container_t:s0"\nfile = "system_u:object_r:container_file_t:s0"\n' +
    'ro_file="system_u:object_r:container_ro_file_t:s0"\n',
  '/proc/self/attr/current': 'system_u:system_r:unconfined_service_t:s0\0',
};
const SELINUXFS = { fsType: 'selinuxfs', options: ['rw'] };

function machine(files: Record<string, string>, mounted: Partial<MountEntry>[]) {
  const read = async (path: string) => {
    if (files[path] === undefined) throw new Error(`ENOENT: ${path}`);
    return files[path];
  };
  const list = async () => mounted as MountEntry[];
  return createSeLinux(
    { files: { read } as Files, mounts: { list } as unknown as Host['mounts'] },
    seededRandom(1),
  );
}

const volume = (...accessModes: string[]) =>
  specFromPersistentVolume(
    { metadata: { name: 'pv' }, spec: { accessModes } } as unknown as Stored<PersistentVolume>,
    false,
  );

type Options = NonNullable<NonNullable<Pod['spec']>['securityContext']>['seLinuxOptions'];
const pod = (ofPod: Options, ...ofContainers: Options[]): Pod => ({
  spec: {
    securityContext: { seLinuxOptions: ofPod },
    containers: ofContainers.map((seLinuxOptions, index) => ({
      name: `c${index}`,
      volumeMounts: [{ name: 'data', mountPath: '/data' }],
      ...(seLinuxOptions ? { securityContext: { seLinuxOptions } } : {}),
    })),
  },
});

describe('SELinux on a machine', () => {
  const cases: [string, Record<string, string>, Partial<MountEntry>[], boolean][] = [
    ['is on where its file system is mounted', FEDORA, [SELINUXFS], true],
    ['is off where it is not', FEDORA, [{ fsType: 'ext4', options: ['rw'] }], false],
    ['is off where it is only looked at', FEDORA, [{ ...SELINUXFS, options: ['ro'] }], false],
    ['is off without a policy', { ...FEDORA, '/proc/self/attr/current': 'kernel\0' }, [SELINUXFS], false],
  ];
  for (const [what, files, mounts, expected] of cases)
    it(what, async () => assert.equal(await machine(files, mounts).isEnabled(), expected));

  it('gives files the policy’s type, and the user and level of their process', async () => {
    const seLinux = machine(FEDORA, [SELINUXFS]);
    const label = (options: Options) => seLinux.fileLabel(options!);
    assert.equal(await label({}), '');
    assert.equal(await label({ level: 's0:c1,c2' }), 'system_u:object_r:container_file_t:s0:c1,c2');
    assert.equal(
      await label({ user: 'u', role: 'r', type: 't', level: 's0:c1' }),
      'u:object_r:container_file_t:s0:c1',
    );
    assert.match(await label({ type: 't' }), /^system_u:object_r:container_file_t:s0:c\d+,c\d+$/);
    assert.equal(await machine({}, [SELINUXFS]).fileLabel({ level: 's0:c1' }), '');
  });
});

describe('the label that a volume is mounted with', () => {
  const seLinux = machine(FEDORA, [SELINUXFS]);
  const c1 = { level: 's0:c1' };
  const label = 'system_u:object_r:container_file_t:s0:c1';
  const rwop = volume('ReadWriteOncePod');

  it('is that of the containers that mount it, or of the pod', async () => {
    assert.equal(await mountLabel(seLinux, pod(c1, undefined), 'data', rwop), label);
    assert.equal(await mountLabel(seLinux, pod({ level: 's0:c9' }, c1, c1), 'data', rwop), label);
    assert.equal(await mountLabel(seLinux, pod(c1, undefined), 'other', rwop), undefined);
    assert.equal(await mountLabel(seLinux, pod(undefined, undefined), 'data', rwop), undefined);
  });

  it('must be one', async () => {
    await assert.rejects(mountLabel(seLinux, pod(c1, undefined, { level: 's0:c2' }), 'data', rwop), {
      message: `multiple SELinux labels found: ${label},system_u:object_r:container_file_t:s0:c2`,
    });
  });

  it('is none of volumes that several pods can use, of a pod that says so, and without SELinux', async () => {
    for (const spec of [
      volume('ReadWriteOnce'),
      volume('ReadWriteOncePod', 'ReadOnlyMany'),
      specFromVolume({ name: 'data', emptyDir: {} }),
    ])
      assert.equal(await mountLabel(seLinux, pod(c1, undefined), 'data', spec), undefined);
    const asked = pod(c1, undefined);
    const securityContext = { ...asked.spec?.securityContext, seLinuxChangePolicy: 'Recursive' };
    const recursive = { ...asked, spec: { ...asked.spec!, securityContext } };
    assert.equal(await mountLabel(seLinux, recursive, 'data', rwop), undefined);
    assert.equal(await mountLabel(machine(FEDORA, []), pod(c1, undefined), 'data', rwop), undefined);
  });
});
