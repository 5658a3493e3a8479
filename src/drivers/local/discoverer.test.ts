import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Client } from '../../client/index.ts';
import { type PersistentVolume, persistentVolumes } from '../../kube/index.ts';
import { discover } from './discoverer.ts';
import { CONFIG, type Entry, scene } from './test-support.ts';
import { isOurs } from './volume-object.ts';

const MIB = 1n << 20n;
const mount: Entry = { is: 'mount', sizeBytes: 100n * 1024n };
const block: Entry = { is: 'block', sizeBytes: 100n * MIB };
const DIR1 = '/discoveryPath/dir1';
const DIR2 = '/discoveryPath/dir2';
const FOUR = {
  [`${DIR1}/mount1`]: mount,
  [`${DIR1}/symlink2`]: block,
  [`${DIR2}/symlink1`]: block,
  [`${DIR2}/symlink2`]: block,
};
const NAMES_OF_FOUR = ['local-pv-226458a3', 'local-pv-23645a36', 'local-pv-55d5adba', 'local-pv-aaaafef5'];

describe('discovery of local volumes', () => {
  it('offers what is mounted and what leads to a disk, as upstream writes it', async (t) => {
    const { round, volumes, node } = await scene(t, FOUR, { ...CONFIG, setPVOwnerRef: true });
    assert.deepEqual(await discover(await round()), []);
    const found = await volumes();
    assert.deepEqual(found.map(({ metadata }) => metadata.name).sort(), NAMES_OF_FOUR);
    const { metadata, spec } = found.find((one) => one.metadata.name === 'local-pv-aaaafef5')!;
    assert.deepEqual(metadata.labels, {
      'failure-domain.beta.kubernetes.io/zone': 'west-1',
      'failure-domain.beta.kubernetes.io/region': 'west',
      'kubernetes.io/hostname': 'test-node',
      'local-storage-cr-name': 'foobar',
    });
    assert.deepEqual(metadata.annotations, {
      'pv.kubernetes.io/provisioned-by': `local-volume-provisioner-test-node-${node.metadata.uid}`,
    });
    assert.deepEqual(metadata.ownerReferences, [
      { apiVersion: 'v1', kind: 'Node', name: 'test-node', uid: node.metadata.uid },
    ]);
    assert.deepEqual(spec, {
      capacity: { storage: '100Ki' },
      local: { path: '/mnt/disks/dir1/mount1' },
      accessModes: ['ReadWriteOnce'],
      persistentVolumeReclaimPolicy: 'Delete',
      storageClassName: 'sc1',
      mountOptions: ['ro'],
      volumeMode: 'Filesystem',
      nodeAffinity: {
        required: {
          nodeSelectorTerms: [
            {
              matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: ['test-node'] }],
            },
          ],
        },
      },
    });
    const raw = found.find((one) => one.metadata.name === 'local-pv-55d5adba')!.spec!;
    assert.deepEqual(
      [raw.volumeMode, raw.local?.path, raw.capacity?.storage, raw.mountOptions],
      ['Block', '/mnt/disks/dir2/symlink1', '100Mi', undefined],
    );
  });

  it('writes what a class asks for: access mode, file system, further nodes', async (t) => {
    const selector = [{ matchExpressions: [{ key: 'rack', operator: 'In', values: ['r1'] }] }];
    const sc1 = { ...CONFIG.storageClassMap.sc1, accessMode: 'ReadWriteOncePod', fsType: 'xfs', selector };
    const { round, volumes } = await scene(t, { [`${DIR1}/disk`]: block }, { storageClassMap: { sc1 } });
    assert.deepEqual(await discover(await round()), []);
    const [{ metadata, spec }] = (await volumes()) as [PersistentVolume];
    assert.deepEqual([spec?.accessModes, spec?.local?.fsType], [['ReadWriteOncePod'], 'xfs']);
    assert.deepEqual(spec?.nodeAffinity?.required?.nodeSelectorTerms[1], selector[0]);
    assert.deepEqual([metadata?.labels, metadata?.ownerReferences], [undefined, undefined]);
  });

  it('offers each once, and what comes later', async (t) => {
    const { machine, round, names } = await scene(t, FOUR);
    for (let times = 0; times < 2; times++) assert.deepEqual(await discover(await round()), []);
    assert.deepEqual(await names(), NAMES_OF_FOUR);
    machine.entries.set(`${DIR1}/mount3`, mount).set(`${DIR1}/symlink3`, block);
    assert.deepEqual(await discover(await round()), []);
    assert.deepEqual(await names(), [...NAMES_OF_FOUR, 'local-pv-4d24d329', 'local-pv-f34b8003'].sort());
  });

  it('does not mind that the cache has not heard of a volume yet', async (t) => {
    const { round } = await scene(t, FOUR);
    const before = await round();
    assert.deepEqual([await discover(before), await discover(before)], [[], []]);
  });

  it('offers only names that match', async (t) => {
    const sc1 = { ...CONFIG.storageClassMap.sc1, namePattern: 'x*,symlink?' };
    const { round, names } = await scene(t, FOUR, { storageClassMap: { sc1 } });
    assert.deepEqual(await discover(await round()), []);
    assert.deepEqual(await names(), ['local-pv-23645a36']);
  });

  const cases: [
    what: string,
    entries: Record<string, Entry>,
    names: readonly string[],
    problems: readonly RegExp[],
  ][] = [
    ['no directory', { [`${DIR1}/mount1`]: mount }, ['local-pv-aaaafef5'], [/dir2/]],
    ['an empty directory', { [DIR1]: { is: 'directory' }, [DIR2]: { is: 'directory' } }, [], []],
    [
      'a file',
      { ...FOUR, [`${DIR1}/mount1`]: { is: 'file' } },
      NAMES_OF_FOUR.filter((name) => name !== 'local-pv-aaaafef5'),
      [/^Skipping file "\/discoveryPath\/dir1\/mount1": not a directory nor block device$/],
    ],
    [
      'a link that leads nowhere',
      { ...FOUR, [`${DIR1}/mount1`]: { is: 'dangling' } },
      NAMES_OF_FOUR.filter((name) => name !== 'local-pv-aaaafef5'),
      [/^Directory check for "\/discoveryPath\/dir1\/mount1" failed: ENOENT/],
    ],
    [
      'a file system for a class of disks',
      { ...FOUR, [`${DIR2}/symlink1`]: mount },
      NAMES_OF_FOUR.filter((name) => name !== 'local-pv-55d5adba'),
      [/^path "\/discoveryPath\/dir2\/symlink1" of filesystem mode cannot be used to create block volume$/],
    ],
    [
      'a directory that nothing is mounted on',
      { ...FOUR, [`${DIR1}/mount2`]: { is: 'directory' } },
      NAMES_OF_FOUR,
      [
        /^path "\/discoveryPath\/dir1\/mount2" is not a valid mount point: mountPath=.* wasn't found in the \/proc\/mounts file$/,
      ],
    ],
  ];
  for (const [what, entries, expected, problems] of cases)
    it(`goes on beside ${what}`, async (t) => {
      const { round, names } = await scene(t, entries);
      const told = await discover(await round());
      assert.deepEqual(await names(), expected);
      assert.equal(told.length, problems.length, told.join('\n'));
      for (const [index, problem] of problems.entries()) assert.match(told[index]!, problem);
    });

  it('says what the API server has against it', async (t) => {
    const { client, round, names } = await scene(t, FOUR);
    const failing = {
      ...client,
      create: async () => {
        throw new Error('API failed');
      },
    } as unknown as Client;
    const problems = await discover(await round(failing));
    assert.deepEqual(await names(), []);
    assert.equal(problems.length, 4);
    assert.match(
      problems[0]!,
      /^error creating PV "local-pv-aaaafef5" for volume at "\/mnt\/disks\/dir1\/mount1": API failed$/,
    );
  });

  it('leaves a path alone that is that of another volume', async (t) => {
    const { client, round, names, node } = await scene(t, {
      [`${DIR1}/mount1`]: mount,
      [DIR2]: { is: 'directory' },
    });
    await client.create(persistentVolumes, {
      metadata: {
        name: 'existing-pv',
        annotations: {
          'pv.kubernetes.io/provisioned-by': `local-volume-provisioner-test-node-${node.metadata.uid}`,
        },
      },
      spec: {
        capacity: { storage: '1Gi' },
        accessModes: ['ReadWriteOnce'],
        local: { path: '/mnt/disks/dir1/mount1' },
        nodeAffinity: {
          required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'a', operator: 'Exists' }] }] },
        },
      },
    });
    assert.deepEqual(await discover(await round()), []);
    assert.deepEqual(await names(), ['existing-pv']);
  });

  it('waits for the wiping of a volume', async (t) => {
    const { round, names, processes } = await scene(t, FOUR);
    const wiping = Promise.withResolvers<void>();
    processes.start(
      'local-pv-23645a36',
      () => wiping.promise,
      () => {},
    );
    await discover(await round());
    assert.deepEqual(
      await names(),
      NAMES_OF_FOUR.filter((name) => name !== 'local-pv-23645a36'),
    );
    wiping.resolve();
    await processes.settled();
    await discover(await round());
    assert.deepEqual(await names(), NAMES_OF_FOUR);
    assert.equal(processes.of('local-pv-23645a36').state, 'not found');
  });

  it('tells when a disk has become a directory', async (t) => {
    const { machine, round, told } = await scene(t, FOUR);
    await discover(await round());
    machine.entries.set(`${DIR2}/symlink1`, { is: 'directory' });
    const problem =
      'incorrect Volume Mode: PV "local-pv-55d5adba" requires block mode but path "/discoveryPath/dir2/symlink1" was in fs mode';
    assert.deepEqual(await discover(await round()), [problem]);
    assert.deepEqual(told, [`local-pv-55d5adba Warning VolumeFailedDelete ${problem}`]);
  });
});

describe('whose a volume is', () => {
  const node = { metadata: { name: 'n', uid: 'u' } };
  const cases: [by: string | undefined, host: string | undefined, withUid: boolean, byName: boolean][] = [
    [undefined, 'n', false, false],
    ['local-volume-provisioner-n-u', undefined, true, false],
    ['local-volume-provisioner-n-u', 'n', true, true],
    ['local-volume-provisioner-n-u', 'm', true, false],
    ['local-volume-provisioner-n', undefined, false, true],
    ['local-volume-provisioner-n-v', 'n', false, true],
    ['local-volume-provisioner-nn', 'n', false, false],
    ['somebody', 'n', false, false],
  ];
  for (const [by, host, withUid, byName] of cases)
    it(`${by} on ${host}`, () => {
      const volume = {
        metadata: {
          annotations: { ...(by && { 'pv.kubernetes.io/provisioned-by': by }) },
          labels: { ...(host && { 'kubernetes.io/hostname': host }) },
        },
      };
      assert.deepEqual([isOurs(volume, node, false), isOurs(volume, node, true)], [withUid, byName]);
    });
});
