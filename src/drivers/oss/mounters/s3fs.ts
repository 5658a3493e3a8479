import type { Mounter } from './mounter.ts';
import { type Option, withDefaults } from './options.ts';

/**
 * What holds without options. Everybody may use the mount as far as the modes of its files let him; the root of a volume
 * is for everybody, for there is nobody who could be its owner. Sources: s3fs(1); the s3fs mounter of k8s-csi-s3.
 */
const DEFAULTS: readonly Option[] = [
  { name: 'mp_umask', value: '000' },
  // Another node's files are to be seen soon. s3fs itself remembers for a quarter of an hour what it has seen.
  { name: 'stat_cache_expire', value: '5' },
];

/** https://github.com/s3fs-fuse/s3fs-fuse */
export const s3fs: Mounter = {
  name: 's3fs',
  command: 's3fs',
  packageName: 's3fs',
  fsType: 'fuse.s3fs',
  allowed: {
    values: [
      ...['umask', 'mp_umask', 'uid', 'gid', 'default_acl', 'storage_class'],
      ...['parallel_count', 'multireq_max', 'multipart_size', 'multipart_copy_size', 'singlepart_copy_limit'],
      ...['max_stat_cache_size', 'stat_cache_expire', 'stat_cache_interval_expire', 'list_object_max_keys'],
      ...['retries', 'connect_timeout', 'readwrite_timeout', 'ensure_diskfree', 'max_dirty_data'],
    ],
    flags: [
      ...['compat_dir', 'complement_stat', 'enable_noobj_cache', 'enable_content_md5', 'use_sse'],
      ...['nomultipart', 'nocopyapi', 'norenameapi', 'noxmlns', 'sigv2', 'sigv4', 'noatime', 'noexec'],
    ],
  },
  commandLine({ location: { bucket, prefix }, account, path, options, readOnly, scratch }) {
    const fixed: readonly Option[] = [
      { name: 'url', value: account.endpoint },
      { name: 'endpoint', value: account.region },
      { name: 'use_path_request_style' },
      { name: 'tmpdir', value: scratch },
      { name: 'allow_other' },
      // Modes of files are what their writers have put into the bucket.
      { name: 'nosuid' },
      { name: 'nodev' },
      ...(readOnly ? [{ name: 'ro' }] : []),
    ];
    const text = ({ name, value }: Option) => (value === undefined ? name : `${name}=${value}`);
    const all = [...fixed, ...withDefaults(DEFAULTS, options)];
    return {
      args: [`${bucket}:/${prefix}`, path, '-f', ...all.flatMap((option) => ['-o', text(option)])],
      env: { AWSACCESSKEYID: account.accessKeyId, AWSSECRETACCESSKEY: account.secretAccessKey },
    };
  },
};
