import type { Mounter } from './mounter.ts';
import { type Option, withDefaults } from './options.ts';

/**
 * What holds without options. A bucket has no owners and no modes: everybody may do everything. Files are written to a
 * local one and uploaded when they are closed, so that they can be written in any order. Sources: rclone mount, "VFS File
 * Caching"; the rclone mounter of k8s-csi-s3.
 */
const DEFAULTS: readonly Option[] = [
  { name: 'vfs-cache-mode', value: 'writes' },
  { name: 'dir-perms', value: '0777' },
  { name: 'file-perms', value: '0666' },
  { name: 'umask', value: '000' },
  // Another node's files are to be seen soon. rclone itself remembers directories for five minutes.
  { name: 'dir-cache-time', value: '5s' },
];

/** https://rclone.org/commands/rclone_mount */
export const rclone: Mounter = {
  name: 'rclone',
  command: 'rclone',
  packageName: 'rclone',
  fsType: 'fuse.rclone',
  uploadNotes: 'vfsMeta',
  allowed: {
    values: [
      ...['umask', 'uid', 'gid', 'dir-perms', 'file-perms', 'attr-timeout', 'dir-cache-time'],
      ...['vfs-cache-mode', 'vfs-cache-max-age', 'vfs-cache-max-size', 'vfs-cache-poll-interval'],
      ...['vfs-read-ahead', 'vfs-read-chunk-size', 'vfs-read-chunk-size-limit', 'vfs-read-wait'],
      ...['buffer-size', 'max-read-ahead', 'transfers', 'checkers', 'bwlimit', 'tpslimit', 'tpslimit-burst'],
      ...[
        'retries',
        'low-level-retries',
        'timeout',
        'contimeout',
        's3-provider',
        's3-storage-class',
        's3-acl',
      ],
      ...['s3-server-side-encryption', 's3-chunk-size', 's3-upload-concurrency', 's3-upload-cutoff'],
      ...['s3-list-chunk', 's3-list-version'],
    ],
    flags: [
      ...['no-checksum', 'no-modtime', 'no-seek', 'use-mmap', 'use-server-modtime', 'vfs-case-insensitive'],
      ...['vfs-fast-fingerprint', 's3-disable-checksum', 's3-v2-auth', 's3-disable-http2'],
    ],
  },
  commandLine({ location: { bucket, prefix }, account, path, options, readOnly, scratch }) {
    const fixed: readonly Option[] = [
      // No configuration file: everything is here and in the environment.
      { name: 'config', value: '' },
      { name: 'cache-dir', value: scratch },
      { name: 'allow-other' },
      // Uploaded as soon as closed: what waits for later could not be uploaded once the volume is unmounted.
      { name: 'vfs-write-back', value: '0s' },
      { name: 's3-no-check-bucket' },
      ...(readOnly ? [{ name: 'read-only' }] : []),
    ];
    const text = ({ name, value }: Option) => (value === undefined ? `--${name}` : `--${name}=${value}`);
    return {
      args: [
        ...['mount', `:s3:${prefix === '' ? bucket : `${bucket}/${prefix}`}`, path],
        ...[...fixed, ...withDefaults(DEFAULTS, options)].map(text),
      ],
      env: {
        RCLONE_S3_PROVIDER: 'Other',
        RCLONE_S3_ENDPOINT: account.endpoint,
        RCLONE_S3_REGION: account.region,
        RCLONE_S3_ACCESS_KEY_ID: account.accessKeyId,
        RCLONE_S3_SECRET_ACCESS_KEY: account.secretAccessKey,
      },
    };
  },
};
