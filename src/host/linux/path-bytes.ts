/**
 * Names of files are bytes, here they are text. Those that are no UTF-8 are written with a lone surrogate for each byte that
 * is not ASCII (U+DC80 to U+DCFF, as Python's surrogateescape), which no other text has, and lead to the same file again.
 */

const REPLACEMENT = '\ufffd';
const FIRST = 0xdc80;
const LAST = 0xdcff;
const NOT_ASCII = 0x80;

/** Whether a name that was read as UTF-8 may have been something else. */
export function mayBeOther(name: string): boolean {
  return name.includes(REPLACEMENT);
}

export function nameOf(bytes: Buffer): string {
  const text = bytes.toString('utf8');
  if (!mayBeOther(text) || Buffer.from(text).equals(bytes)) return text;
  const unit = (byte: number) => (byte < NOT_ASCII ? byte : FIRST + byte - NOT_ASCII);
  return String.fromCharCode(...[...bytes].map(unit));
}

/** For the calls of node:fs. */
export function bytesOf(path: string): string | Buffer {
  if (path.isWellFormed()) return path;
  const parts = [...path].map((character) => {
    const code = character.codePointAt(0)!;
    return code >= FIRST && code <= LAST ? Buffer.of(code - FIRST + NOT_ASCII) : Buffer.from(character);
  });
  return Buffer.concat(parts);
}
