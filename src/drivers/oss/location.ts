import { handleOf } from '../shared/names.ts';

/** What of an object store a volume is: a bucket, or what lies below a prefix of one. */
export interface Location {
  readonly bucket: string;
  /** `team-a/pvc-1`, without slashes at its ends; empty: the whole bucket. */
  readonly prefix: string;
}

/** Source: bucket naming rules of S3, as far as every server keeps them. */
const BUCKET_NAME = /^[a-z0-9](?:[a-z0-9-]|\.(?=[a-z0-9])){1,61}[a-z0-9]$/;
/** Keys may have 1024 bytes; what is below the prefix needs some of them. */
const MAX_PREFIX_LENGTH = 512;

export function isBucketName(text: string): boolean {
  return BUCKET_NAME.test(text);
}

/** Whether the text could be the way to a directory, as a file system client sees one, and no other. */
export function isPrefix(text: string): boolean {
  return (
    text.length <= MAX_PREFIX_LENGTH &&
    text.split('/').every((part) => /^[\w.=@-]+$/.test(part) && part !== '.' && part !== '..')
  );
}

/** The handle of a volume: `bucket`, or `bucket/prefix`. Source: the volume ids of k8s-csi-s3. */
export function volumeIdOf({ bucket, prefix }: Location): string {
  return prefix === '' ? bucket : `${bucket}/${prefix}`;
}

/** What a handle means; undefined for a text that can be none. */
export function parseVolumeId(volumeId: string): Location | undefined {
  const [, bucket = '', prefix] = /^([^/]*)(?:\/(.*))?$/s.exec(volumeId) ?? [];
  if (!isBucketName(bucket)) return undefined;
  if (prefix === undefined) return { bucket, prefix: '' };
  return isPrefix(prefix) ? { bucket, prefix } : undefined;
}

/** Where CreateVolume with this name makes its volume: in the bucket of the class, below its prefix, or a bucket of its own. */
export function newLocation(name: string, within: { bucket?: string; prefix?: string }): Location {
  const { bucket, prefix = '' } = within;
  // A name that is no bucket's becomes the hash that it would have if it were no handle either.
  if (bucket === undefined)
    return { bucket: isBucketName(name) ? name : handleOf(`/${name}`, 'vol'), prefix: '' };
  const own = handleOf(name, 'vol');
  return { bucket, prefix: prefix === '' ? own : `${prefix}/${own}` };
}
