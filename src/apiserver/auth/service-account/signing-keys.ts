import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
} from 'node:crypto';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writePrivate } from '../pki-files.ts';

const PRIVATE_FILE = 'sa.key';
/** Keys that have signed before and are still believed: sa-2026.pub, sa-old.key … */
const FORMER_FILE = /^sa-.+\.(?:key|pub)$/;

const CURVE_ALGORITHMS: Readonly<Record<string, string>> = {
  prime256v1: 'ES256',
  secp384r1: 'ES384',
  secp521r1: 'ES512',
};

export interface VerificationKey {
  /** Tells keys apart without telling them: the SHA-256 of the public key. */
  readonly id: string;
  readonly algorithm: string;
  readonly publicKey: KeyObject;
}

/** With what service account tokens are signed, and by which of the keys they may have been. */
export interface SigningKeys {
  readonly signing: VerificationKey & { readonly privateKey: KeyObject };
  /** The signing key's public half among them, as the first. */
  readonly verification: readonly VerificationKey[];
}

/**
 * The keys kept in `directory`: `sa.key` signs and is made when it is missing; its public half and every `sa-*.pub` or
 * `sa-*.key` verify. To change keys, rename `sa.key` to `sa-NAME.key` and start again. Without a directory the key is
 * kept in memory only.
 * @throws Error naming the file that cannot be read.
 */
export async function openSigningKeys(directory?: string): Promise<SigningKeys> {
  if (directory === undefined)
    return keysOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey, []);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const names = await readdir(directory);
  const former = await Promise.all(
    names
      .filter((name) => FORMER_FILE.test(name))
      .sort()
      .map((name) => readKey(join(directory, name), createPublicKey)),
  );
  const path = join(directory, PRIVATE_FILE);
  if (names.includes(PRIVATE_FILE)) return keysOf(await readKey(path, createPrivateKey), former);
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  await writePrivate(path, privateKey.export({ type: 'pkcs8', format: 'pem' }) as string);
  return keysOf(privateKey, former);
}

function keysOf(privateKey: KeyObject, former: readonly KeyObject[]): SigningKeys {
  const own = verificationKey(createPublicKey(privateKey));
  const others = former.map(verificationKey).filter(({ id }) => id !== own.id);
  return { signing: { ...own, privateKey }, verification: [own, ...others] };
}

function verificationKey(publicKey: KeyObject): VerificationKey {
  const der = publicKey.export({ type: 'spki', format: 'der' });
  return {
    id: createHash('sha256').update(der).digest('base64url'),
    algorithm: algorithmOf(publicKey),
    publicKey,
  };
}

/** Kubernetes signs with these and no others. */
function algorithmOf({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): string {
  const curve = asymmetricKeyDetails?.namedCurve ?? '';
  const algorithm = asymmetricKeyType === 'rsa' ? 'RS256' : CURVE_ALGORITHMS[curve];
  if (!algorithm) throw new Error(`a ${curve || asymmetricKeyType} key cannot sign tokens; use RSA or P-256`);
  return algorithm;
}

async function readKey(path: string, parse: (pem: string) => KeyObject): Promise<KeyObject> {
  try {
    const key = parse(await readFile(path, 'utf8'));
    algorithmOf(key);
    return key;
  } catch (error) {
    throw new Error(
      `the key ${path} for service account tokens cannot be used: ${(error as Error).message}; restore it, or move it away to have a new one made (tokens signed with it are then refused)`,
      { cause: error },
    );
  }
}
