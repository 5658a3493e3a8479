import { randomBytes, randomInt, randomUUID } from 'node:crypto';

/** The only source of chance. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** A version 4 UUID, lower case. */
  uuid(): string;
}

export const systemRandom: Random = {
  next: () => randomInt(2 ** 48 - 1) / 2 ** 48,
  uuid: () => randomUUID(),
};

/** Deterministic: the same seed gives the same sequence (mulberry32). */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const uuid = () => {
    const bytes = Buffer.alloc(16);
    for (let at = 0; at < bytes.length; at++) bytes[at] = Math.floor(next() * 256);
    return formatUuid(bytes);
  };
  return { next, uuid };
}

/** For nonces: must never come twice, so not even a seed repeats it. Nothing may be decided by it. */
export function unrepeatableBytes(length: number): Buffer {
  return randomBytes(length);
}

/** Consonants and digits that spell no words, as generateName suffixes use them (apimachinery util/rand). */
const SUFFIX_ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';

/** A name suffix of `length` characters, as the API server appends to generateName. */
export function nameSuffix(random: Random, length = 5): string {
  let text = '';
  for (let i = 0; i < length; i++)
    text += SUFFIX_ALPHABET[Math.floor(random.next() * SUFFIX_ALPHABET.length)];
  return text;
}

function formatUuid(b: Buffer): string {
  b[6] = (b[6]! & 0x0f) | 0x40;
  b[8] = (b[8]! & 0x3f) | 0x80;
  const hex = b.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
