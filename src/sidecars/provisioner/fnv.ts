const OFFSET = 0x811c9dc5;
const PRIME = 0x01000193;

/** FNV-1, 32 bits, of the UTF-8 bytes. */
export function fnv32(text: string): number {
  let hash = OFFSET;
  for (const byte of new TextEncoder().encode(text)) hash = (Math.imul(hash, PRIME) ^ byte) >>> 0;
  return hash;
}

/** FNV-1a, 32 bits, of the UTF-8 bytes. */
export function fnv32a(text: string): number {
  let hash = OFFSET;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, PRIME) >>> 0;
  return hash;
}
