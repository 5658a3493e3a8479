import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { conflictMessage, VolumeCache, type VolumeUse } from './volume-cache.ts';

const mount = (label: string): VolumeUse => ({ label, changePolicy: 'MountOption' });
const recursive: VolumeUse = { label: '', changePolicy: 'Recursive' };
const [first, second] = [mount('u:r:t:s0:c1'), mount('u:r:t:s0:c2')];

describe('which pods use a volume, and how', () => {
  const given = () => {
    const cache = new VolumeCache();
    cache.add('vol', 'ns/a', first, 'disk.example.com');
    return cache;
  };
  const of = (cache: VolumeCache, use: VolumeUse, pod = 'ns/b', volume = 'vol') =>
    cache
      .add(volume, pod, use)
      .map((conflict) => `${conflict.property} ${conflict.pod} ${conflict.otherPod}`);
  const bothWays = (property: string) => [`${property} ns/b ns/a`, `${property} ns/a ns/b`];

  it('the same use makes no conflict, nor does another volume', () => {
    assert.deepEqual(of(given(), first), []);
    assert.deepEqual(of(given(), second, 'ns/b', 'other'), []);
  });

  it('another label is told to both', () => {
    assert.deepEqual(of(given(), second), bothWays('SELinuxLabel'));
  });

  it('so is another policy, which leaves the volume without a label', () => {
    assert.deepEqual(of(given(), recursive), [
      ...bothWays('SELinuxChangePolicy'),
      ...bothWays('SELinuxLabel'),
    ]);
  });

  it('once: what is known makes no news', () => {
    const cache = given();
    of(cache, second);
    assert.deepEqual(of(cache, second), []);
    assert.deepEqual(of(cache, first), [], 'it has changed, and goes with the other now');
  });

  it('a pod that is gone conflicts with none', () => {
    const cache = given();
    cache.deletePod('ns/a');
    assert.deepEqual(of(cache, second), []);
  });

  it('pods are found by their volumes’ driver', () => {
    const cache = given();
    cache.add('vol', 'ns/b', first, 'disk.example.com');
    assert.deepEqual(cache.podsOfDriver('disk.example.com'), ['ns/a', 'ns/b']);
    cache.deletePod('ns/a');
    assert.deepEqual(cache.podsOfDriver('disk.example.com'), ['ns/b']);
    assert.deepEqual(cache.podsOfDriver('other.example.com'), []);
  });

  it('tells of pods in the same namespace by name, of others nothing', () => {
    const conflict = {
      property: 'SELinuxLabel',
      pod: 'ns/a',
      value: ':::s0:c1',
      otherValue: ':::s0:c2',
    } as const;
    assert.equal(
      conflictMessage({ ...conflict, otherPod: 'ns/b' }),
      'SELinuxLabel ":::s0:c1" conflicts with pod b that uses the same volume as this pod with SELinuxLabel ":::s0:c2". If both pods land on the same node, only one of them may access the volume.',
    );
    assert.equal(
      conflictMessage({ ...conflict, otherPod: 'secret/b' }),
      'SELinuxLabel":::s0:c1" conflicts with another pod that uses the same volume as this pod with a different SELinuxLabel. If both pods land on the same node, only one of them may access the volume.',
    );
  });
});
