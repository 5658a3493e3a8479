import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Client } from '../../../client/index.ts';
import type { PersistentVolume, Pod, Stored } from '../../../kube/index.ts';
import { specFromPersistentVolume, specFromVolume } from '../../spec.ts';
import { driverOptions, podOptions, secretOptions } from './options.ts';

const inline = (more: object = {}) =>
  specFromVolume({ name: 'data', flexVolume: { driver: 'v.example/d', ...more } });
const persistent = (more: object = {}, readOnly = false) =>
  specFromPersistentVolume(
    {
      metadata: { name: 'pv-1' },
      spec: { flexVolume: { driver: 'v.example/d', ...more } },
    } as unknown as Stored<PersistentVolume>,
    readOnly,
  );

describe('the options of a FlexVolume driver', () => {
  const cases: [string, string, string][] = [
    [
      'an inline volume',
      driverOptions(inline({ fsType: 'ext4', options: { size: '1G' } })),
      '{"kubernetes.io/fsType":"ext4","kubernetes.io/pvOrVolumeName":"data","kubernetes.io/readwrite":"rw","size":"1G"}',
    ],
    [
      'one that says itself that it is read-only',
      driverOptions(inline({ readOnly: true })),
      '{"kubernetes.io/fsType":"","kubernetes.io/pvOrVolumeName":"data","kubernetes.io/readwrite":"ro"}',
    ],
    [
      'a PersistentVolume, whose claim reference says that, and its own field nothing',
      driverOptions(persistent({ readOnly: true })),
      '{"kubernetes.io/fsType":"","kubernetes.io/pvOrVolumeName":"pv-1","kubernetes.io/readwrite":"rw"}',
    ],
    [
      'a claim that is used read-only',
      driverOptions(persistent({}, true)),
      '{"kubernetes.io/fsType":"","kubernetes.io/pvOrVolumeName":"pv-1","kubernetes.io/readwrite":"ro"}',
    ],
    [
      'the volume’s own options win over all, and are written as Go writes them',
      driverOptions(inline({ options: { 'kubernetes.io/fsType': 'a<b>&' } }), { more: 'x' }),
      '{"kubernetes.io/fsType":"a\\u003cb\\u003e\\u0026","kubernetes.io/pvOrVolumeName":"data","kubernetes.io/readwrite":"rw","more":"x"}',
    ],
  ];
  for (const [name, got, wanted] of cases) it(name, () => assert.equal(got, wanted));

  it('name the pod, its account and its group at a mount', () => {
    const pod = {
      metadata: { name: 'p', namespace: 'ns', uid: 'u-1' },
      spec: { serviceAccountName: 'builder' },
    } as unknown as Stored<Pod>;
    const common = {
      'kubernetes.io/pod.name': 'p',
      'kubernetes.io/pod.namespace': 'ns',
      'kubernetes.io/pod.uid': 'u-1',
      'kubernetes.io/serviceAccount.name': 'builder',
    };
    assert.deepEqual(podOptions(pod, undefined), common);
    assert.deepEqual(podOptions(pod, 0), { ...common, 'kubernetes.io/mounterArgs.FsGroup': '0' });
  });
});

describe('the secret of a FlexVolume', () => {
  const { signal } = new AbortController();
  const asked: object[] = [];
  const client = {
    async get(_resource: unknown, name: object) {
      asked.push(name);
      return { type: 'v.example/d', data: { password: 'aHVzaA==' } };
    },
  } as unknown as Client;

  it('is looked for beside the pod, or where the PersistentVolume says', async () => {
    const found = { 'kubernetes.io/secret/password': 'aHVzaA==' };
    const specs = [
      inline({ secretRef: { name: 's' } }),
      persistent({ secretRef: { name: 's' } }),
      persistent({ secretRef: { name: 's', namespace: 'vault' } }),
    ];
    for (const spec of specs) assert.deepEqual(await secretOptions(client, spec, 'ns', signal), found);
    assert.deepEqual(
      asked.map((one) => (one as { namespace: string }).namespace),
      ['ns', 'ns', 'vault'],
    );
    assert.deepEqual(await secretOptions(client, inline(), 'ns', signal), {});
  });

  it('must be of the driver’s type', async () => {
    const spec = specFromVolume({ name: 'v', flexVolume: { driver: 'other/d', secretRef: { name: 's' } } });
    await assert.rejects(
      secretOptions(client, spec, 'ns', signal),
      /^Error: couldn't get secret ns\/s err: cannot get secret of type other\/d$/,
    );
  });
});
