import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Metrics } from '../../base/index.ts';
import { addSelinuxWarningMetrics } from './metrics.ts';
import { VolumeCache, type VolumeUse } from './volume-cache.ts';

// The cases of upstream's selinuxwarning/cache/volumecache_test.go under their names.

type Added = readonly [volume: string, pod: string, use: VolumeUse];

const mount = (label: string): VolumeUse => ({ label, changePolicy: 'MountOption' });
const RECURSIVE: VolumeUse = { label: '', changePolicy: 'Recursive' };
const user = (type: string) => mount(`system_u:system_r:${type}`);

function cacheOf(...added: readonly Added[]): VolumeCache {
  const cache = new VolumeCache();
  for (const [volume, pod, use] of added) cache.add(volume, pod, use, 'csiDriver1');
  return cache;
}
const told = (cache: VolumeCache) =>
  cache.conflicts().map(({ property, pod, otherPod }) => `${property} ${pod} ${otherPod}`);

describe('TestVolumeCache_AddVolumeSendConflicts', () => {
  const existing: readonly Added[] = [
    ['vol1', 'ns1/pod1-mountOption', user('label1')],
    ['vol2', 'ns2/pod2-recursive', RECURSIVE],
    ['vol3', 'ns3/pod3-1', RECURSIVE],
    ['vol3', 'ns3/pod3-2', RECURSIVE],
    ['vol4', 'ns4/pod4-1', user('label4')],
    ['vol4', 'ns4/pod4-2', user('label4')],
    ['vol5', 'ns5/pod5', mount('::label5')],
    ['vol6', 'ns6/pod6', mount(':system_r:label6')],
    ['vol7', 'ns7/pod7', mount('::label7:c0,c1')],
    ['vol8', 'ns8/pod8', mount('')],
  ];
  const added = (volume: string, use: VolumeUse, pod = 'testns/testpod'): Added => [volume, pod, use];
  const table: readonly (readonly [string, readonly Added[], Added, string | undefined])[] = [
    ['new volume in empty cache', [], added('vol-new', user('label-new')), undefined],
    ['new volume', existing, added('vol-new', user('label-new')), undefined],
    [
      'existing volume in a new pod with existing policy and label',
      existing,
      added('vol1', user('label1')),
      undefined,
    ],
    [
      'existing volume in a new pod with existing policy and new conflicting label',
      existing,
      added('vol1', user('label-new')),
      'SELinuxLabel ns1/pod1-mountOption',
    ],
    [
      'existing volume in a new pod with new conflicting policy',
      existing,
      added('vol1', RECURSIVE),
      'SELinuxChangePolicy ns1/pod1-mountOption',
    ],
    [
      'existing pod is replaced with different non-conflicting policy and label',
      existing,
      added('vol2', user('label-new'), 'ns2/pod2-recursive'),
      undefined,
    ],
    [
      'existing pod is replaced with conflicting policy',
      existing,
      added('vol3', user('label-new'), 'ns3/pod3-1'),
      'SELinuxChangePolicy ns3/pod3-2',
    ],
    [
      'existing volume in a new pod with existing policy and new incomparable label (missing user and role)',
      existing,
      added('vol5', user('label5')),
      undefined,
    ],
    [
      'existing volume in a new pod with conflicting policy with incomparable parts',
      existing,
      added('vol5', mount('::label6')),
      'SELinuxLabel ns5/pod5',
    ],
    [
      'existing volume in a new pod with existing policy and new incomparable label (missing user)',
      existing,
      added('vol6', mount('system_u::label6')),
      undefined,
    ],
    [
      'existing volume in a new pod with existing policy and new comparable label (missing categories)',
      existing,
      added('vol7', user('label7')),
      'SELinuxLabel ns7/pod7',
    ],
    [
      'existing volume in a new pod with existing policy and new incomparable label (missing everything)',
      existing,
      added('vol8', user('label8')),
      undefined,
    ],
    [
      'existing volume in a new pod with existing policy and new comparable label (missing everything but categories)',
      existing,
      added('vol8', user('label8:c0,c1')),
      'SELinuxLabel ns8/pod8',
    ],
  ];
  for (const [name, before, [volume, pod, use], expected] of table) {
    it(name, () => {
      const cache = cacheOf(...before);
      const news = cache.add(volume, pod, use, 'csiDriver1');
      const [property, other] = expected?.split(' ') ?? [];
      const both = expected ? [`${property} ${pod} ${other}`, `${property} ${other} ${pod}`] : [];
      assert.deepEqual(
        news.map((conflict) => `${conflict.property} ${conflict.pod} ${conflict.otherPod}`),
        both,
      );
      assert.deepEqual(told(cache), both);
    });
  }
});

it('TestVolumeCache_MultiVolumeConflicts', () => {
  const cache = cacheOf(['vol1', 'ns/podB', user('labelB')], ['vol2', 'ns/podC', user('labelC')]);
  const first = cache.add('vol1', 'ns/podA', user('labelA'));
  const second = cache.add('vol2', 'ns/podA', user('labelA'));
  assert.deepEqual([first.length, second.length, cache.conflicts().length], [2, 2, 4]);
  cache.deletePod('ns/podA');
  assert.deepEqual(cache.conflicts(), []);
  for (const volume of ['vol3', 'vol4']) {
    cache.add(volume, 'ns/podD', user('labelD'));
    assert.equal(cache.add(volume, 'ns/podE', user('labelE')).length, 2);
  }
  assert.equal(cache.conflicts().length, 2, 'those of two volumes are one');
});

describe('TestVolumeCache_DeletePodConflicts', () => {
  const pod = (name: string, volume = 'vol1'): Added => [volume, `ns/pod${name}`, user(`label${name}`)];
  const pair = (a: string, b: string) =>
    [`ns/pod${a} ns/pod${b}`, `ns/pod${b} ns/pod${a}`].map((both) => `SELinuxLabel ${both}`);
  const table: readonly (readonly [string, readonly Added[], gone: string, readonly string[]])[] = [
    ['delete one of two conflicting pods clears all conflicts', [pod('A'), pod('B')], 'A', []],
    [
      'delete non-conflicting pod preserves existing conflicts',
      [pod('A'), pod('B'), pod('C', 'vol2')],
      'C',
      pair('A', 'B'),
    ],
    [
      'three pods on same volume delete one leaves remaining pair conflict',
      [pod('A'), pod('B'), pod('C')],
      'A',
      pair('B', 'C'),
    ],
    [
      'delete pod with conflicts on multiple volumes',
      [pod('B'), pod('C', 'vol2'), pod('A'), pod('A', 'vol2')],
      'A',
      [],
    ],
    [
      'delete pod preserves conflicts on unrelated volumes',
      [pod('A'), pod('B'), pod('C', 'vol2'), pod('D', 'vol2')],
      'A',
      pair('C', 'D'),
    ],
  ];
  for (const [name, added, gone, left] of table) {
    it(name, () => {
      const cache = cacheOf(...added);
      cache.deletePod(`ns/pod${gone}`);
      assert.deepEqual(told(cache).sort(), [...left].sort());
    });
  }

  it('delete pod that was already deleted is a no-op', () => {
    const cache = cacheOf(pod('A'), pod('B'));
    cache.deletePod('ns/podA');
    cache.deletePod('ns/podA');
    assert.deepEqual(cache.conflicts(), []);
  });
});

it('TestVolumeCache_DeleteAll', () => {
  const names = ['1', '2', '3', '4'];
  const pods = names.flatMap((namespace) => names.map((name) => `ns${namespace}/pod${name}`));
  const cache = cacheOf(
    ...pods.flatMap((pod) => names.map((volume): Added => [`vol${volume}`, pod, mount('label1')])),
  );
  assert.deepEqual(cache.conflicts(), []);
  assert.equal(cache.podsOfDriver('csiDriver1').length, pods.length * names.length);
  for (const pod of pods) cache.deletePod(pod);
  assert.deepEqual(cache.podsOfDriver('csiDriver1'), []);
});

it('the metric has a line for each conflict and direction, while it lasts', () => {
  const metrics = new Metrics();
  const cache = cacheOf(['vol', 'ns1/a', mount('::t:s0:c1')], ['vol', 'ns2/b', mount('::t:s0:c2')]);
  addSelinuxWarningMetrics(metrics, () => cache.conflicts());
  assert.deepEqual(metrics.text().trimEnd().split('\n'), [
    '# HELP selinux_warning_controller_selinux_volume_conflict Conflict between two Pods using the same volume',
    '# TYPE selinux_warning_controller_selinux_volume_conflict gauge',
    'selinux_warning_controller_selinux_volume_conflict{property="SELinuxLabel",pod1_namespace="ns2",pod1_name="b",pod1_value="::t:s0:c2",pod2_namespace="ns1",pod2_name="a",pod2_value="::t:s0:c1"} 1',
    'selinux_warning_controller_selinux_volume_conflict{property="SELinuxLabel",pod1_namespace="ns1",pod1_name="a",pod1_value="::t:s0:c1",pod2_namespace="ns2",pod2_name="b",pod2_value="::t:s0:c2"} 1',
  ]);
  cache.deletePod('ns1/a');
  assert.equal(metrics.text(), '');
});
