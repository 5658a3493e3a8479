/** Parts of an object that say nothing when they are empty: Go structs, lists and maps that JSON cannot tell from none. */
const NOTHING_WHEN_EMPTY = new Set([
  'annotations',
  'labels',
  'limits',
  'metadata',
  'nodeSelector',
  'requests',
  'resources',
]);

/** JSON with sorted keys and without what says nothing: what means the same has the same text, whoever wrote it. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => {
    if (typeof part !== 'object' || part === null || Array.isArray(part)) return part;
    const entries = Object.entries(part).filter(([key, member]) => !isNothing(key, member));
    return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

function isNothing(key: string, member: unknown): boolean {
  if (member === null || member === undefined) return true;
  if (Array.isArray(member)) return member.length === 0;
  return (
    NOTHING_WHEN_EMPTY.has(key) &&
    typeof member === 'object' &&
    Object.entries(member).every(([name, part]) => isNothing(name, part))
  );
}

const ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';

/** FNV-1 of a text, in characters that spell no words (rand.SafeEncodeString). */
export function safeHash(text: string): string {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text)) {
    hash = Math.imul(hash, 0x01000193) >>> 0;
    hash = (hash ^ byte) >>> 0;
  }
  return [...String(hash)].map((digit) => ALPHABET[digit.charCodeAt(0) % ALPHABET.length]).join('');
}
