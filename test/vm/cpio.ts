/** A file, directory or device of an archive. Directories and devices have no content. */
export interface ArchiveEntry {
  /** Without a slash at its begin. */
  readonly name: string;
  readonly kind: 'file' | 'directory';
  readonly content?: Uint8Array;
}

const MODES = { file: 0o100755, directory: 0o040755 };

/** An archive as the kernel unpacks it for its first root file system (cpio, the format newc). */
export function cpioArchive(entries: readonly ArchiveEntry[]): Uint8Array {
  const end: ArchiveEntry = { name: 'TRAILER!!!', kind: 'file' };
  return Buffer.concat([...entries, end].flatMap(record));
}

function record({ name, kind, content = new Uint8Array() }: ArchiveEntry, index: number): Uint8Array[] {
  const path = Buffer.from(`${name}\0`);
  const fields = [index + 1, MODES[kind], 0, 0, 1, 0, content.length, 0, 0, 0, 0, path.length, 0];
  const header = Buffer.from(`070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`);
  return [...padded(Buffer.concat([header, path])), ...padded(content)];
}

/** All parts begin at multiples of four bytes. */
function padded(bytes: Uint8Array): Uint8Array[] {
  return [bytes, new Uint8Array(-bytes.length & 3)];
}
