import { readFile } from 'node:fs/promises';
import { aesGcm, EncryptionKeyError, plain, type Transformer } from './transformer.ts';

const API_VERSION = 'apiserver.config.k8s.io/v1';
const KIND = 'EncryptionConfiguration';
const KEY_BYTES = [16, 24, 32];

/** How the objects of some resources are kept: the first transformer writes, all of them read. */
export interface EncryptionRule {
  /** secrets, statefulsets.apps, *.apps, *.* */
  readonly resources: readonly string[];
  readonly transformers: readonly Transformer[];
}

/** The rules of a key file, in its order; of two for one resource the first counts. */
export type Encryption = readonly EncryptionRule[];

/** The rule of a resource, named as `plural` or `plural.group`. */
export function ruleFor(encryption: Encryption, resource: string): EncryptionRule | undefined {
  const dot = resource.indexOf('.');
  const group = dot < 0 ? '' : resource.slice(dot + 1);
  return encryption.find(({ resources }) =>
    resources.some((one) => one === resource || one === `*.${group}` || one === '*.*'),
  );
}

/**
 * Reads an EncryptionConfiguration. Of upstream's providers aesgcm and identity are there.
 * @throws EncryptionKeyError that says what in the file is wrong and what to do; never a key.
 */
export async function readEncryption(path: string): Promise<Encryption> {
  const fail = (why: string, cause?: unknown) =>
    new EncryptionKeyError(`--encryption-key-file ${path}: ${why}`, { cause });
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw fail(`it cannot be read: ${(error as Error).message}`, error);
  }
  const { parse } = await import('yaml');
  let document: unknown;
  try {
    document = parse(text);
  } catch {
    // The parser's message quotes the text, and that is secret.
    throw fail('it is not YAML');
  }
  try {
    return parseEncryption(document);
  } catch (error) {
    throw fail((error as Error).message);
  }
}

/** @throws Error naming the field that is wrong. */
export function parseEncryption(document: unknown): Encryption {
  const { apiVersion, kind, resources } = asObject(document, 'the document');
  if (apiVersion !== API_VERSION || kind !== KIND)
    throw new Error(`it must have apiVersion ${API_VERSION} and kind ${KIND}`);
  const rules = asList(resources, 'resources').map((rule, index) => {
    const at = `resources[${index}]`;
    const fields = asObject(rule, at);
    return {
      resources: asList(fields.resources, `${at}.resources`).map((name, place) =>
        asText(name, `${at}.resources[${place}]`),
      ),
      transformers: asList(fields.providers, `${at}.providers`).flatMap((provider, place) =>
        transformersOf(provider, `${at}.providers[${place}]`),
      ),
    };
  });
  checkNames(rules);
  return rules;
}

function transformersOf(provider: unknown, at: string): Transformer[] {
  const entries = Object.entries(asObject(provider, at));
  const [[name, value] = ['', undefined]] = entries;
  if (entries.length !== 1) throw new Error(`${at} must have exactly one provider`);
  if (name === 'identity') return [plain];
  if (name !== 'aesgcm') throw new Error(`${at}: ${name} is not supported; use aesgcm or identity`);
  const keys = asList(asObject(value, `${at}.aesgcm`).keys, `${at}.aesgcm.keys`);
  return keys.map((key, index) => keyOf(key, `${at}.aesgcm.keys[${index}]`));
}

function keyOf(key: unknown, at: string): Transformer {
  const fields = asObject(key, at);
  const name = asText(fields.name, `${at}.name`);
  if (name.includes(':')) throw new Error(`${at}.name must not contain a colon`);
  const text = asText(fields.secret, `${at}.secret`);
  const secret = Buffer.from(text, 'base64');
  if (!/^[A-Za-z0-9+/\s]+={0,2}\s*$/.test(text) || !KEY_BYTES.includes(secret.length))
    throw new Error(
      `${at}.secret must be 16, 24 or 32 random bytes in base64, as "head -c 32 /dev/urandom | base64" prints them`,
    );
  return aesGcm({ name, secret });
}

/** Two keys of one name could not be told apart. */
function checkNames(rules: Encryption): void {
  for (const { transformers } of rules) {
    const prefixes = transformers.map(({ prefix }) => prefix);
    const twice = prefixes.find((prefix, index) => prefixes.indexOf(prefix) !== index);
    if (twice === '') throw new Error('identity is there twice for one resource');
    if (twice) throw new Error(`two keys for one resource have the name ${twice.split(':')[4]}`);
  }
}

function asObject(value: unknown, at: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw new Error(`${at} must be an object`);
}

function asList(value: unknown, at: string): unknown[] {
  if (Array.isArray(value) && value.length > 0) return value;
  throw new Error(`${at} must be a list with at least one entry`);
}

function asText(value: unknown, at: string): string {
  if (typeof value === 'string' && value !== '') return value;
  throw new Error(`${at} must be a text`);
}
