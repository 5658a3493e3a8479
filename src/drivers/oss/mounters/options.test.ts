import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Code, CsiStatus } from '../../../csi/index.ts';
import { mounterOf } from './index.ts';
import { checkOptions, fromMountFlags, type Option, parseOptions, withDefaults } from './options.ts';

const refused = (message: RegExp) => (error: unknown) =>
  error instanceof CsiStatus && error.code === Code.INVALID_ARGUMENT && message.test(error.message);

describe('the parameter options', () => {
  const cases: [text: string, options: readonly Option[]][] = [
    ['', []],
    ['  \n ', []],
    ['--read-only', [{ name: 'read-only' }]],
    [
      '--dir-perms=0755 --umask 022',
      [
        { name: 'dir-perms', value: '0755' },
        { name: 'umask', value: '022' },
      ],
    ],
    ['--no-seek --umask 022', [{ name: 'no-seek' }, { name: 'umask', value: '022' }]],
    [
      '-o uid=5,gid=6 -o use_sse',
      [{ name: 'uid', value: '5' }, { name: 'gid', value: '6' }, { name: 'use_sse' }],
    ],
    ['--s3-acl="a b"', [{ name: 's3-acl', value: 'a b' }]],
    ['--s3-acl "a \\"b\\" \\\\"', [{ name: 's3-acl', value: 'a "b" \\' }]],
    ['--url=a=b', [{ name: 'url', value: 'a=b' }]],
  ];
  for (const [text, options] of cases)
    it(`${JSON.stringify(text)} is ${options.length} options`, () =>
      assert.deepEqual(parseOptions(text), options));
  for (const text of ['umask=022', '-f', '-o', '--', '--umask 022 033', '- x'])
    it(`${JSON.stringify(text)} is refused`, () =>
      assert.throws(() => parseOptions(text), refused(/is no option/)));
});

describe('mountOptions', () => {
  it('are options as they are, one or several at once', () =>
    assert.deepEqual(fromMountFlags(['uid=5', 'ro,gid=6', '']), [
      { name: 'uid', value: '5' },
      { name: 'ro' },
      { name: 'gid', value: '6' },
    ]));
});

describe('options that others may set', () => {
  const check = (mounter: string, text: string) =>
    checkOptions(mounter, parseOptions(text), mounterOf(mounter).allowed);
  for (const [mounter, text] of [
    ['s3fs', '-o umask=022,uid=1000 --use_sse -o retries=3'],
    ['rclone', '--umask 022 --vfs-cache-mode=full --bwlimit 1M --no-modtime'],
  ] as const)
    it(`${mounter} takes ${text}`, () => check(mounter, text));

  const cases: [mounter: string, text: string, why: RegExp][] = [
    ['s3fs', '-o passwd_file=/etc/shadow', /"passwd_file" of s3fs cannot be set; these can: compat_dir, /],
    ['s3fs', '-o url=http://elsewhere', /"url" of s3fs cannot be set/],
    ['s3fs', '-o use_cache=/etc', /"use_cache" of s3fs cannot be set/],
    ['s3fs', '-o suid', /"suid" of s3fs cannot be set/],
    ['s3fs', '-o umask', /umask of s3fs needs a value/],
    ['s3fs', '--use_sse=custom:/etc/shadow', /use_sse of s3fs takes no value/],
    ['s3fs', '--umask="022,suid"', /option umask of s3fs: "022,suid"/],
    ['rclone', '--config=/root/x', /"config" of rclone cannot be set/],
    ['rclone', '--rc', /"rc" of rclone cannot be set/],
    ['rclone', '--vfs-write-back=1h', /"vfs-write-back" of rclone cannot be set/],
    ['rclone', '--log-file /etc/passwd', /"log-file" of rclone cannot be set/],
    ['rclone', '--umask="0 1"', /option umask of rclone: "0 1"/],
    ['rclone', '--umask ""', /umask of rclone needs a value/],
  ];
  for (const [mounter, text, why] of cases)
    it(`${mounter} does not take ${text}`, () => assert.throws(() => check(mounter, text), refused(why)));

  it('hold over defaults, the last of a name over those before it', () =>
    assert.deepEqual(
      withDefaults(
        [{ name: 'a', value: '1' }, { name: 'b' }],
        [
          { name: 'a', value: '2' },
          { name: 'a', value: '3' },
        ],
      ),
      [{ name: 'a', value: '3' }, { name: 'b' }],
    ));

  it('are for mounters that there are', () =>
    assert.throws(() => mounterOf('geesefs'), refused(/mounter "geesefs" is not known; use s3fs or rclone/)));
});
