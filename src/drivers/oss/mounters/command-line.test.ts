import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { mounterOf } from './index.ts';
import type { MountPlan } from './mounter.ts';

const plan: MountPlan = {
  location: { bucket: 'data', prefix: 'team/a' },
  account: {
    endpoint: 'https://s3.example.com:9000',
    region: 'eu-1',
    accessKeyId: 'THE-KEY',
    secretAccessKey: 'THE-SECRET',
  },
  path: '/mnt/v',
  options: [{ name: 'umask', value: '022' }],
  readOnly: false,
  scratch: '/state/v',
};

describe('the command line of a FUSE client', () => {
  for (const name of ['s3fs', 'rclone']) {
    it(`${name}: credentials are in the environment, and in no argument`, () => {
      const { args, env } = mounterOf(name).commandLine(plan);
      assert.doesNotMatch(args.join(' '), /THE-KEY|THE-SECRET/);
      assert.ok(Object.values(env).includes('THE-KEY') && Object.values(env).includes('THE-SECRET'));
    });
  }

  it('s3fs: in the foreground, path style, no set-uid programs and no devices from the bucket', () => {
    const { args } = mounterOf('s3fs').commandLine(plan);
    assert.deepEqual(args.slice(0, 3), ['data:/team/a', '/mnt/v', '-f']);
    const options = args.filter((_, index) => args[index - 1] === '-o');
    assert.deepEqual(options, [
      ...['url=https://s3.example.com:9000', 'endpoint=eu-1', 'use_path_request_style', 'tmpdir=/state/v'],
      ...['allow_other', 'nosuid', 'nodev', 'mp_umask=000', 'stat_cache_expire=5', 'umask=022'],
    ]);
    const readOnly = mounterOf('s3fs').commandLine({
      ...plan,
      readOnly: true,
      location: { bucket: 'data', prefix: '' },
    });
    assert.equal(readOnly.args[0], 'data:/');
    assert.ok(readOnly.args.includes('ro'));
  });

  it('rclone: no configuration file, uploads when a file is closed', () => {
    const { args, env } = mounterOf('rclone').commandLine(plan);
    assert.deepEqual(args, [
      ...['mount', ':s3:data/team/a', '/mnt/v', '--config=', '--cache-dir=/state/v', '--allow-other'],
      ...['--vfs-write-back=0s', '--s3-no-check-bucket', '--vfs-cache-mode=writes', '--dir-perms=0777'],
      ...['--file-perms=0666', '--umask=022', '--dir-cache-time=5s'],
    ]);
    assert.equal(env.RCLONE_S3_ENDPOINT, 'https://s3.example.com:9000');
    const readOnly = mounterOf('rclone').commandLine({
      ...plan,
      readOnly: true,
      location: { bucket: 'data', prefix: '' },
    });
    assert.equal(readOnly.args[1], ':s3:data');
    assert.ok(readOnly.args.includes('--read-only'));
  });
});
