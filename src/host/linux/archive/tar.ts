/** What an entry of a tar archive is (POSIX ustar, pax; GNU long names). */
export interface TarEntry {
  readonly name: string;
  readonly kind: 'file' | 'directory' | 'symlink' | 'hardlink' | 'character' | 'block' | 'fifo';
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  readonly modifiedAtMs: number;
  /** Of a link. */
  readonly target: string;
  readonly major: number;
  readonly minor: number;
}

const BLOCK = 512;
/** Names and attributes that do not fit into a header; more would be an attack. */
const MAX_EXTENSION_BYTES = 1024 * 1024;
const KINDS: Readonly<Record<string, TarEntry['kind']>> = {
  '\0': 'file',
  '0': 'file',
  '7': 'file',
  '1': 'hardlink',
  '2': 'symlink',
  '3': 'character',
  '4': 'block',
  '5': 'directory',
  '6': 'fifo',
};

/** Reads a stream in pieces of wanted lengths. */
class ByteReader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array();

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#chunks = source[Symbol.asyncIterator]();
  }

  /** Lets go of the source. */
  async close(): Promise<void> {
    await this.#chunks.return?.();
  }

  /** To its end. */
  async drain(): Promise<void> {
    while (!(await this.#chunks.next()).done);
  }

  /** What comes next, at most so much; empty at the end. */
  async some(maxBytes: number): Promise<Uint8Array> {
    while (this.#rest.length === 0) {
      const { done, value } = await this.#chunks.next();
      if (done) return this.#rest;
      this.#rest = value;
    }
    const part = this.#rest.subarray(0, maxBytes);
    this.#rest = this.#rest.subarray(part.length);
    return part;
  }

  /** Exactly so much; undefined when the stream ends before anything of it. @throws Error when it ends within */
  async exactly(bytes: number): Promise<Buffer | undefined> {
    const parts: Uint8Array[] = [];
    for (let left = bytes; left > 0; ) {
      const part = await this.some(left);
      if (part.length === 0) {
        if (left === bytes) return undefined;
        throw new Error('the archive ends within an entry');
      }
      parts.push(part);
      left -= part.length;
    }
    return Buffer.concat(parts);
  }

  async skip(bytes: number): Promise<void> {
    for (let left = bytes; left > 0; ) {
      const part = await this.some(left);
      if (part.length === 0) throw new Error('the archive ends within an entry');
      left -= part.length;
    }
  }
}

/**
 * Calls back for each entry of an archive, one after the other, with its content, of which as much is read as is asked for.
 * Reads the source to its end.
 * @throws Error when it is no tar archive, or a damaged one
 */
export async function readTar(
  source: AsyncIterable<Uint8Array>,
  visit: (entry: TarEntry, content: AsyncIterable<Uint8Array>) => Promise<void>,
): Promise<void> {
  const reader = new ByteReader(source);
  try {
    await readEntries(reader, visit);
  } finally {
    await reader.close();
  }
}

async function readEntries(
  reader: ByteReader,
  visit: (entry: TarEntry, content: AsyncIterable<Uint8Array>) => Promise<void>,
): Promise<void> {
  let extension: Partial<Record<string, string>> = {};
  for (;;) {
    const header = await reader.exactly(BLOCK);
    // Two empty blocks end an archive; what follows is padding.
    if (!header || header.every((byte) => byte === 0)) return reader.drain();
    verifyChecksum(header);
    const type = String.fromCharCode(header[156]!);
    const sizeBytes = numberField(header, 124, 12);
    const padding = (BLOCK - (sizeBytes % BLOCK)) % BLOCK;
    if (['x', 'g', 'L', 'K'].includes(type)) {
      if (sizeBytes > MAX_EXTENSION_BYTES) throw new Error('the archive has an entry with too long a name');
      const content = (await reader.exactly(sizeBytes)) ?? Buffer.alloc(0);
      await reader.skip(padding);
      if (type === 'x') extension = { ...extension, ...paxRecords(content) };
      else if (type !== 'g') extension[type === 'L' ? 'path' : 'linkpath'] = cString(content);
      continue;
    }
    const entry = tarEntry(header, type, sizeBytes, extension);
    extension = {};
    const length = entry.kind === 'file' ? entry.sizeBytes : sizeBytes;
    let left = length;
    const content = (async function* () {
      while (left > 0) {
        const part = await reader.some(left);
        if (part.length === 0) throw new Error('the archive ends within an entry');
        left -= part.length;
        yield part;
      }
    })();
    await visit(entry, content);
    await reader.skip(left + ((BLOCK - (length % BLOCK)) % BLOCK));
  }
}

function tarEntry(
  header: Buffer,
  type: string,
  sizeBytes: number,
  pax: Partial<Record<string, string>>,
): TarEntry {
  const kind = KINDS[type];
  if (!kind) throw new Error(`the archive has an entry of an unknown type ${JSON.stringify(type)}`);
  const prefix = header.toString('latin1', 257, 262) === 'ustar' ? textField(header, 345, 155) : '';
  const short = textField(header, 0, 100);
  const size = pax.size === undefined ? sizeBytes : Number(pax.size);
  return {
    name: pax.path ?? (prefix ? `${prefix}/${short}` : short),
    kind,
    mode: numberField(header, 100, 8) & 0o7777,
    uid: Number(pax.uid ?? numberField(header, 108, 8)),
    gid: Number(pax.gid ?? numberField(header, 116, 8)),
    sizeBytes: kind === 'file' ? size : 0,
    modifiedAtMs: Number(pax.mtime ?? numberField(header, 136, 12)) * 1000,
    target: pax.linkpath ?? textField(header, 157, 100),
    major: numberField(header, 329, 8),
    minor: numberField(header, 337, 8),
  };
}

function verifyChecksum(header: Buffer): void {
  let sum = 0;
  for (let at = 0; at < BLOCK; at++) sum += at >= 148 && at < 156 ? 32 : header[at]!;
  if (sum !== numberField(header, 148, 8)) throw new Error('not a tar archive, or a damaged one');
}

function cString(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return bytes.toString('utf8', 0, end < 0 ? bytes.length : end);
}

function textField(header: Buffer, at: number, length: number): string {
  return cString(header.subarray(at, at + length));
}

/** Octal digits, or in base 256 what they are too few for. */
function numberField(header: Buffer, at: number, length: number): number {
  if ((header[at]! & 0x80) !== 0) {
    let value = BigInt(header[at]! & 0x7f);
    for (let index = 1; index < length; index++) value = (value << 8n) | BigInt(header[at + index]!);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new Error('the archive has an impossible number');
    return Number(value);
  }
  const text = textField(header, at, length).trim();
  if (!/^[0-7]*$/.test(text)) throw new Error('not a tar archive, or a damaged one');
  return text === '' ? 0 : Number.parseInt(text, 8);
}

/** `LENGTH KEY=VALUE\n`, one after the other. */
function paxRecords(content: Buffer): Record<string, string> {
  const records: Record<string, string> = {};
  for (let at = 0; at < content.length; ) {
    const space = content.indexOf(32, at);
    const length = Number(content.toString('latin1', at, space));
    if (space < 0 || !Number.isInteger(length) || length <= space - at || at + length > content.length)
      throw new Error('the archive has a malformed extended header');
    const text = content.toString('utf8', space + 1, at + length - 1);
    const equals = text.indexOf('=');
    records[text.slice(0, equals)] = text.slice(equals + 1);
    at += length;
  }
  return records;
}
