import { createCipheriv, createDecipheriv } from 'node:crypto';
import { unrepeatableBytes } from '../../../base/index.ts';

/** Every stored value that is not plain begins so, then names what it was encrypted with, as in etcd. */
const ENCRYPTED = Buffer.from('k8s:enc:');
const SCHEME = 'k8s:enc:aesgcm:v1:';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** More than any scheme and key name take. */
const MAX_PREFIX_BYTES = 512;

/** A key with its name, which is stored with every value. */
export interface EncryptionKey {
  readonly name: string;
  /** 16, 24 or 32 bytes. A secret. */
  readonly secret: Buffer;
}

/** What a start must not go on with: the key file does not fit what is stored. Names nothing that is secret. */
export class EncryptionKeyError extends Error {
  override name = 'EncryptionKeyError';
}

/** One way to keep a value: with a key, or plain. */
export interface Transformer {
  /** What values that it made begin with; '' is plain. */
  readonly prefix: string;
  seal(value: Buffer, place: string): Buffer;
  /** @throws Error when the value was changed, or belongs to another place, or the key is another of the same name. */
  open(sealed: Buffer, place: string): Buffer;
}

export const plain: Transformer = { prefix: '', seal: (value) => value, open: (value) => value };

/** AES-GCM with a random nonce; bound to its place, so that one secret cannot be put in the place of another. */
export function aesGcm({ name, secret }: EncryptionKey): Transformer {
  const algorithm = `aes-${(secret.length * 8) as 128 | 192 | 256}-gcm` as const;
  const prefix = `${SCHEME}${name}:`;
  const head = Buffer.from(prefix);
  return {
    prefix,
    seal(value, place) {
      const nonce = unrepeatableBytes(NONCE_BYTES);
      const cipher = createCipheriv(algorithm, secret, nonce).setAAD(Buffer.from(place));
      return Buffer.concat([head, nonce, cipher.update(value), cipher.final(), cipher.getAuthTag()]);
    },
    open(sealed, place) {
      const body = sealed.subarray(head.length);
      const nonce = body.subarray(0, NONCE_BYTES);
      const text = body.subarray(NONCE_BYTES, -TAG_BYTES);
      const decipher = createDecipheriv(algorithm, secret, nonce)
        .setAAD(Buffer.from(place))
        .setAuthTag(body.subarray(-TAG_BYTES));
      return Buffer.concat([decipher.update(text), decipher.final()]);
    },
  };
}

export function isEncrypted(value: Buffer): boolean {
  return value.subarray(0, ENCRYPTED.length).equals(ENCRYPTED);
}

/** The name of the key that a value was encrypted with, or of its scheme when that is none of ours. */
export function keyNameOf(value: Buffer): string {
  const head = value.subarray(0, MAX_PREFIX_BYTES).toString('latin1');
  const parts = head.split(':');
  return head.startsWith(SCHEME) ? parts[4]! : parts.slice(2, 4).join(':');
}
