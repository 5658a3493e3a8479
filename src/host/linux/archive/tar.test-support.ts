import { createHash } from 'node:crypto';

/** An entry of an archive that a test makes; nothing is forbidden. */
export interface TestEntry {
  readonly name: string;
  /** '0' file, '1' hard link, '2' symbolic link, '3' character device, '5' directory, 'x' pax … @default '0', or '5' for a name with / at its end */
  readonly type?: string;
  readonly content?: string | Buffer;
  readonly target?: string;
  readonly mode?: number;
  readonly uid?: number;
}

/** A tar archive (ustar) of these entries. */
export function tarOf(entries: readonly TestEntry[]): Buffer {
  const blocks = entries.flatMap((entry) => {
    const content = Buffer.from(entry.content ?? '');
    const header = Buffer.alloc(512);
    const octal = (value: number, at: number, length: number) =>
      header.write(`${value.toString(8).padStart(length - 1, '0')}\0`, at);
    const type = entry.type ?? (entry.name.endsWith('/') ? '5' : '0');
    header.write(entry.name, 0);
    octal(entry.mode ?? (type === '5' ? 0o755 : 0o644), 100, 8);
    octal(entry.uid ?? 0, 108, 8);
    octal(0, 116, 8);
    octal(content.length, 124, 12);
    octal(1_700_000_000, 136, 12);
    header.write(' '.repeat(8), 148);
    header.write(type, 156);
    header.write(entry.target ?? '', 157);
    header.write('ustar\x0000', 257);
    octal(
      header.reduce((sum, byte) => sum + byte, 0),
      148,
      7,
    );
    return [header, content, Buffer.alloc((512 - (content.length % 512)) % 512)];
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

export const digestOf = (bytes: Buffer | string): string =>
  `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

/** A stream of these bytes, in pieces of a size that fits nothing. */
export async function* streamOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 997) yield bytes.subarray(at, at + 997);
}
