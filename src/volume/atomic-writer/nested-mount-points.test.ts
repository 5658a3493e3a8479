import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Container } from '../../kube/index.ts';
import { nestedMountPoints } from './nested-mount-points.ts';

/** As upstream's TestGetNestedMountpoints has them. */
describe('the mount points within a volume', () => {
  const container = (...mounts: [name: string, mountPath: string][]): Container => ({
    name: 'c',
    volumeMounts: mounts.map(([name, mountPath]) => ({ name, mountPath })),
  });
  const of = (containers: Container[], initContainers: Container[] = []) =>
    nestedMountPoints('own', { spec: { containers, initContainers } });

  it('are none where nothing is nested', () =>
    assert.deepEqual(of([container(['own', '/dir'], ['a', '/dir2'], ['b', '/other/dir/x'])]), []));

  it('are what is nested, in whatever order, but not what is nested in that', () =>
    assert.deepEqual(
      of([
        container(
          ['a', '/dir/nested/double'],
          ['b', '/ignore'],
          ['c', '/dir/nested'],
          ['own', '/dir/'],
          ['d', '/dir/nested-vol'],
          ['e', '/dir/nested.vol'],
          ['a', '/dir/nested2/double'],
          ['f', '/dir/nested2/'],
        ),
      ]),
      ['nested', 'nested-vol', 'nested.vol', 'nested2'],
    ));

  it('are those of each place and each container where the volume is', () =>
    assert.deepEqual(
      of(
        [container(['own', '/mnt'], ['a', '/mnt/sub1/sub2/x'], ['own', '/other'], ['b', '/other/y'])],
        [container(['own', '/mnt/dir'], ['c', '/mnt/dir/sub'], ['d', '/mnt/dir_not'])],
      ),
      ['sub', 'sub1/sub2/x', 'y'],
    ));

  it('of the volume itself count too', () =>
    assert.deepEqual(of([container(['own', '/dir'], ['own', '/dir/again'])]), ['again']));

  it('must not lead out of the container', () =>
    assert.throws(() => of([container(['own', 'foo/../../dir'], ['a', 'foo/../../dir/x'])]), {
      message: 'invalid container mount point ../dir',
    }));
});
