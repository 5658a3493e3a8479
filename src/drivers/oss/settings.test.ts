import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Code, CsiStatus } from '../../csi/index.ts';
import { accountOf, classOf, locationOf, mountOptionsOf } from './settings.ts';

const refused =
  (message: RegExp, code: Code = Code.INVALID_ARGUMENT) =>
  (error: unknown) =>
    error instanceof CsiStatus && error.code === code && message.test(error.details);

describe('the parameters of a class', () => {
  it('say where volumes go and what they are mounted with; the volume remembers the latter', () => {
    const parameters = { bucket: 'all', prefix: '/team/', mounter: 'rclone', options: '--umask 022' };
    assert.deepEqual(classOf({ ...parameters, 'csi.storage.k8s.io/pvc/name': 'c' }), {
      within: { bucket: 'all', prefix: 'team' },
      context: { mounter: 'rclone', options: '--umask 022' },
    });
    assert.deepEqual(classOf({}), { within: {}, context: { mounter: 's3fs' } });
  });

  const cases: [parameters: Record<string, string>, why: RegExp][] = [
    [{ backet: 'a' }, /unknown parameters in the StorageClass: backet/],
    [{ endpoint: 'http://x' }, /unknown parameters in the StorageClass: endpoint/],
    [{ mounter: 'goofys' }, /mounter "goofys" is not known; use s3fs or rclone/],
    [{ options: 'umask' }, /"umask" is no option/],
    [{ mounter: 'rclone', options: '--rc' }, /option "rc" of rclone cannot be set/],
    [{ bucket: 'A' }, /bucket "A" is not the name of a bucket/],
    [{ bucket: '' }, /bucket "" is not the name of a bucket/],
    [{ bucket: 'all', prefix: '../x' }, /prefix "\.\.\/x": use names/],
    [{ prefix: 'x' }, /prefix: it is below which bucket\?/],
  ];
  for (const [parameters, why] of cases)
    it(`${JSON.stringify(parameters)} is refused`, () =>
      assert.throws(() => classOf(parameters), refused(why)));
});

describe('where a volume is', () => {
  it('is what its handle says, or its attributes', () => {
    const provisioned = { mounter: 's3fs', 'storage.kubernetes.io/csiProvisionerIdentity': '1-2-oss' };
    assert.deepEqual(locationOf('data/a', provisioned), { bucket: 'data', prefix: 'a' });
    assert.deepEqual(locationOf('any text', { bucket: 'data', prefix: 'a', capacity: '5Gi' }), {
      bucket: 'data',
      prefix: 'a',
    });
    assert.deepEqual(locationOf('any text', { bucket: 'data' }), { bucket: 'data', prefix: '' });
  });
  it('is nowhere for a text that is no handle, or unknown attributes', () => {
    assert.throws(
      () => locationOf('../etc', {}),
      refused(/a volume is called BUCKET or BUCKET\/PREFIX/, Code.NOT_FOUND),
    );
    assert.throws(
      () => locationOf('data', { backet: 'x' }),
      refused(/unknown parameters in the volumeAttributes: backet/),
    );
  });
});

describe('mount options', () => {
  it('are those of the class, and the mountOptions of the volume', () => {
    const { mounter, options } = mountOptionsOf({ options: '-o uid=5' }, [{ name: 'gid', value: '6' }]);
    assert.equal(mounter.name, 's3fs');
    assert.deepEqual(options, [
      { name: 'uid', value: '5' },
      { name: 'gid', value: '6' },
    ]);
    assert.throws(() => mountOptionsOf({}, [{ name: 'suid' }]), refused(/"suid" of s3fs cannot be set/));
  });
});

describe('the secret', () => {
  const whole = { accessKeyID: 'the-key', secretAccessKey: 'the-secret', endpoint: 'https://s3.example.com' };
  it('says who asks, and where', () => {
    assert.deepEqual(accountOf(whole, ''), {
      endpoint: 'https://s3.example.com',
      region: 'us-east-1',
      accessKeyId: 'the-key',
      secretAccessKey: 'the-secret',
    });
    const other = { ...whole, region: 'eu-1', endpoint: 'http://127.0.0.1:9000/', insecure: 'false' };
    const { region, endpoint } = accountOf(other, '');
    assert.deepEqual({ region, endpoint }, { region: 'eu-1', endpoint: 'http://127.0.0.1:9000' });
  });

  const cases: [secrets: Record<string, string>, why: RegExp][] = [
    [
      {},
      /^no accessKeyID and no secretAccessKey among the secrets: put them into a Secret, and name it as HERE$/,
    ],
    [{ ...whole, secretAccessKey: '' }, /^no secretAccessKey among the secrets/],
    [{ accessKeyID: 'the-key', secretAccessKey: 'the-secret' }, /^no endpoint/],
    [{ ...whole, secretAccessKey: 'the-secret\n' }, /contains a space or a newline/],
    [{ ...whole, insecure: 'true' }, /^insecure: certificates are always checked/],
    [{ ...whole, region: 'a/b' }, /^region "a\/b"/],
    ...[
      ...[
        's3.example.com',
        'ftp://s3.example.com',
        'https://s3.example.com/path',
        'https://s3.example.com?x',
      ],
      ...['https://user:pass-word@s3.example.com', 'https://'],
    ].map((endpoint): [Record<string, string>, RegExp] => [
      { ...whole, endpoint },
      /^endpoint .*without a path$/,
    ]),
  ];
  for (const [secrets, why] of cases)
    it(`${JSON.stringify(secrets)} is refused, without its values in the message`, () =>
      assert.throws(
        () => accountOf(secrets, 'HERE'),
        (error) => refused(why)(error) && !/the-key|the-secret|pass-word/.test((error as Error).message),
      ));
});
