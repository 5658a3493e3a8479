import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Container } from '../../kube/index.ts';
import { type LoadedImage, withTag } from '../images/index.ts';
import { containerConfig } from './container-config.ts';
import { ensureImage } from './ensure-image.ts';
import { pod } from './fixtures.ts';

describe("a container's image", () => {
  const image: LoadedImage = {
    id: 'sha256:1',
    names: ['app:1'],
    sizeBytes: 1,
    root: '/images/1',
    config: {
      environment: ['A=a=b', 'PATH=/app'],
      entrypoint: ['/entry'],
      command: ['one', 'two'],
      workingDir: '/srv',
      user: '',
    },
    users: { passwd: '', group: '' },
  };
  const images = {
    find: async (name: string) => (name === 'app:1' ? image : undefined),
    list: async () => [image],
  };
  const told = async (container: Partial<Container>) => {
    const { image: found, waiting, events } = await ensureImage({ name: 'main', ...container }, images);
    return [found?.id, waiting?.reason, ...events.map(({ reason, message }) => `${reason}: ${message}`)];
  };
  it('is there or not, by its pull policy', async () => {
    const present =
      'Pulled: Container image "app:1" already present on machine and can be accessed by the pod';
    for (const imagePullPolicy of ['Always', 'IfNotPresent', 'Never'])
      assert.deepEqual(await told({ image: 'app:1', imagePullPolicy }), ['sha256:1', undefined, present]);
    assert.deepEqual(await told({ image: 'other' }), [undefined, undefined]);
    assert.deepEqual(await told({ image: 'other', imagePullPolicy: 'Never' }), [
      undefined,
      'ErrImageNeverPull',
      'ErrImageNeverPull: Container image "other" is not present with pull policy of Never',
      'Failed: Error: ErrImageNeverPull',
    ]);
    assert.deepEqual(await told({ image: 'Not a Name' }), [
      undefined,
      'InvalidImageName',
      `InspectFailed: Failed to apply default image tag "Not a Name": couldn't parse image name "Not a Name": invalid reference format`,
      'Failed: Error: InvalidImageName',
    ]);
  });
  it('says what is run where the container does not', () => {
    const run = (container: Partial<Container>) => {
      const whole = { name: 'main', ...container };
      const { command, environment, workingDir, imageRoot } = containerConfig({
        pod: pod({ containers: [whole] }),
        container: whole,
        attempt: 0,
        environment: new Map([['WHO', 'me']]),
        volumes: new Map(),
        podIp: '127.0.0.1',
        users: { passwd: '', group: '' },
        image,
      });
      assert.deepEqual([environment.get('A'), environment.get('PATH')], ['a=b', '/app']);
      return [command.join(' '), workingDir, imageRoot];
    };
    assert.deepEqual(run({}), ['/entry one two', '/srv', '/images/1']);
    assert.deepEqual(run({ args: ['$(WHO)'] }), ['/entry me', '/srv', '/images/1']);
    assert.deepEqual(run({ command: ['own'], workingDir: '/w' }), ['own', '/w', '/images/1']);
  });
  for (const [name, tagged] of [
    ['busybox', 'busybox:latest'],
    ['host.example:5000/a/b', 'host.example:5000/a/b:latest'],
    ['a/b:1.2', 'a/b:1.2'],
    [`a@sha256:${'0'.repeat(64)}`, `a@sha256:${'0'.repeat(64)}`],
  ] as const)
    it(`${name} is ${tagged}`, () => assert.equal(withTag(name), tagged));
  for (const name of ['', 'UPPER', 'a b', '-a', 'a:', 'a/', '../a', `a:${'x'.repeat(129)}`])
    it(`${JSON.stringify(name)} is no name`, () =>
      assert.throws(() => withTag(name), /invalid reference format/));
});
