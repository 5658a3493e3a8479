import { type DescField, type DescMessage, getOption, hasOption, type Message } from '@bufbuild/protobuf';
import { type ReflectMessage, reflect } from '@bufbuild/protobuf/reflect';
import { csi_secret } from './generated/csi_pb.js';

/** What stands in place of a secret. The same text as csi-lib-utils, so that log searches carry over. */
export const STRIPPED = '***stripped***';

/** Shorter values are no secrets, and cutting every "a" out of a message would make it unreadable. */
const MIN_REDACTED_LENGTH = 3;

/**
 * A message as plain JSON data, with the fields that the protocol marks csi_secret replaced, at any depth.
 * Goes by the descriptors alone: a new secret field needs no change here. Fields that the descriptor does not
 * know are left out. Field names as in the .proto; enums by name; 64-bit integers and bytes as strings.
 * Source: protosanitizer of csi-lib-utils.
 */
export function stripSecrets(schema: DescMessage, message: Message): Record<string, unknown> {
  return strip(reflect(schema, message));
}

/** Every value in the secret fields of a message, at any depth: what must not appear in a text. */
export function secretValues(schema: DescMessage, message: Message): string[] {
  if (!mayHoldSecrets(schema)) return [];
  const found: string[] = [];
  collect(reflect(schema, message), false, found);
  return found;
}

/** `text` without the given secrets. For the words of a driver or an exception, which may repeat them. */
export function redact(text: string, secrets: readonly string[]): string {
  let result = text;
  // The longest first: one secret may be part of another.
  for (const secret of [...secrets].sort((a, b) => b.length - a.length)) {
    if (secret.length >= MIN_REDACTED_LENGTH) result = result.replaceAll(secret, STRIPPED);
  }
  return result;
}

/** Whether the protocol marks the field as sensitive. */
export function isSecretField(field: DescField): boolean {
  return hasOption(field, csi_secret) && getOption(field, csi_secret);
}

function strip(message: ReflectMessage): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const field of message.fields) {
    if (!message.isSet(field)) continue;
    result[field.name] = isSecretField(field) ? STRIPPED : stripValue(field, message.get(field));
  }
  return result;
}

function stripValue(field: DescField, value: unknown): unknown {
  switch (field.fieldKind) {
    case 'message':
      return strip(value as ReflectMessage);
    case 'list':
      return Array.from(value as Iterable<unknown>, (item) => stripItem(field, item));
    case 'map': {
      const entries = value as Iterable<[unknown, unknown]>;
      return Object.fromEntries(Array.from(entries, ([key, item]) => [String(key), stripItem(field, item)]));
    }
    case 'enum':
      return enumName(field, value);
    case 'scalar':
      return plainScalar(value);
  }
}

function stripItem(field: DescField & { fieldKind: 'list' | 'map' }, item: unknown): unknown {
  if (field.message) return strip(item as ReflectMessage);
  return field.enum ? enumName(field, item) : plainScalar(item);
}

function enumName(field: DescField, value: unknown): unknown {
  return field.enum?.value[value as number]?.name ?? value;
}

function plainScalar(value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  return value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value;
}

function collect(message: ReflectMessage, secret: boolean, found: string[]): void {
  for (const field of message.fields) {
    if (!message.isSet(field)) continue;
    const inside = secret || isSecretField(field);
    const value: unknown = message.get(field);
    if (field.fieldKind === 'message') collect(value as ReflectMessage, inside, found);
    else if (field.fieldKind === 'list' || field.fieldKind === 'map') {
      const items =
        field.fieldKind === 'map' ? (value as Map<unknown, unknown>).values() : (value as unknown[]);
      for (const item of items) {
        if (field.message) collect(item as ReflectMessage, inside, found);
        else if (inside) found.push(String(plainScalar(item)));
      }
    } else if (inside) found.push(String(plainScalar(value)));
  }
}

const holdsSecrets = new Map<string, boolean>();

/** Whether a message of this type can contain a secret field. Most cannot, which makes each of their calls cheaper. */
function mayHoldSecrets(schema: DescMessage): boolean {
  const known = holdsSecrets.get(schema.typeName);
  if (known !== undefined) return known;
  holdsSecrets.set(schema.typeName, false); // ends the recursion of a type that contains itself
  const result = schema.fields.some(
    (field) => isSecretField(field) || (field.message !== undefined && mayHoldSecrets(field.message)),
  );
  holdsSecrets.set(schema.typeName, result);
  return result;
}
