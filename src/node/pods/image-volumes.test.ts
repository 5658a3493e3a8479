import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FakeClock } from '../../base/index.ts';
import type { LoadedImage } from '../images/index.ts';
import type { PodVolume } from './container-config.ts';
import { pod } from './fixtures.ts';
import { ImageVolumes, missingImage } from './image-volumes.ts';

const NAMES = ['data', 'never', 'wrong'];
const volume = (specName: string): PodVolume => ({ hostPath: `/pods/${specName}`, readOnly: true, specName });

function start() {
  const clock = new FakeClock();
  const loaded = new Map<string, LoadedImage>();
  const told: string[] = [];
  const found = new ImageVolumes({
    clock,
    images: { find: async (name) => loaded.get(name), list: async () => [...loaded.values()] },
    recorder: { event: (_, type, reason, message) => told.push(`${type} ${reason}: ${message}`) },
  });
  const volumes = [
    { name: 'data', image: { reference: 'example/model:1' } },
    { name: 'never', image: { reference: 'example/never', pullPolicy: 'Never' } },
    { name: 'wrong', image: { reference: 'No Name' } },
  ];
  /** What a container waits for that mounts these, and what is told the while. */
  const look = async (...names: string[]) => {
    told.length = 0;
    const wanted = pod({ volumes: volumes.filter(({ name }) => names.includes(name)) });
    const all = await found.find(wanted, new Map([...NAMES, 'disk'].map((name) => [name, volume(name)])));
    const volumeMounts = ['disk', ...names].map((name) => ({ name, mountPath: `/${name}` }));
    return { waiting: missingImage({ name: 'main', volumeMounts }, all), all, told: [...told] };
  };
  return { clock, loaded, look };
}

const WHY =
  'image "example/model:1" was not loaded, and nothing is ever pulled; load it with "stowage image load"';

describe('an image as a volume that is not there', () => {
  it('fails to be pulled, ever more seldom, until it is loaded', async () => {
    const { clock, loaded, look } = start();
    const failed = {
      waiting: { reason: 'ErrImagePull', message: WHY },
      told: [`Warning Failed: Failed to pull image "example/model:1": ${WHY}`],
    };
    const held = {
      waiting: {
        reason: 'ImagePullBackOff',
        message: `Back-off pulling image "example/model:1": ErrImagePull: ${WHY}`,
      },
      told: ['Normal BackOff: Back-off pulling image "example/model:1"'],
    };
    const seen = async () => {
      const { waiting, told } = await look('data');
      return { waiting, told };
    };
    assert.deepEqual(await seen(), failed);
    for (const seconds of [10, 20, 40, 80, 160, 300, 300]) {
      assert.deepEqual(await seen(), held);
      await clock.advance(seconds * 1000 - 1);
      assert.deepEqual(await seen(), held, `after almost ${seconds} s`);
      await clock.advance(1);
      assert.deepEqual(await seen(), failed, `after ${seconds} s`);
    }
    const image = { id: 'sha256:1', root: '/images/1' } as LoadedImage;
    loaded.set('example/model:1', image);
    const { waiting, all, told } = await look('data');
    assert.deepEqual([waiting, all.get('data')?.image?.image], [undefined, image], 'in the middle of a wait');
    assert.deepEqual(told, [
      'Normal Pulled: Container image "example/model:1" already present on machine and can be accessed by the pod',
    ]);
    loaded.clear();
    assert.equal((await look('data')).waiting?.reason, 'ErrImagePull', 'it was taken away');
  });

  it('says what is wrong with it', async () => {
    const { look } = start();
    const never = await look('never');
    assert.equal(never.waiting?.reason, 'ErrImageNeverPull');
    assert.deepEqual(never.told, [
      'Warning ErrImageNeverPull: Container image "example/never" is not present with pull policy of Never',
    ]);
    assert.equal((await look('wrong')).waiting?.reason, 'InvalidImageName');
    assert.equal((await look('never', 'wrong')).waiting?.reason, 'InvalidImageName', 'the last of several');
  });

  it('keeps only those waiting that mount it', async () => {
    const { all } = await start().look('data');
    const disk = { name: 'main', volumeMounts: [{ name: 'disk', mountPath: '/d' }] };
    assert.equal(missingImage(disk, all), undefined);
    assert.equal(missingImage({ name: 'main' }, all), undefined);
  });
});
