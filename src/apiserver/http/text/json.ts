/** Deeper values are refused (encoding/json maxNestingDepth). */
export const MAX_DEPTH = 10_000;

/** A JSON text and what JSON.parse does not tell of it. */
export interface JsonText {
  readonly value: unknown;
  /** Paths of the fields that are given more than once, e.g. spec.containers[0].name; the last one counts. */
  readonly duplicateFields: readonly string[];
  /** How many objects and lists stand in one another. */
  readonly depth: number;
}

/** The text is not JSON; the message is encoding/json's. */
export class JsonSyntaxError extends Error {
  override name = 'JsonSyntaxError';
}

/** @throws JsonSyntaxError */
export function parseJson(bytes: Buffer): JsonText {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    new Scanner(bytes).scan();
    // Only what the scan takes and JSON.parse does not: nothing that is known of.
    throw new JsonSyntaxError((error as Error).message);
  }
  if (typeof value !== 'object' || value === null) return { value, duplicateFields: [], depth: 0 };
  return { value, ...new Scanner(bytes).scan() };
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const COMMA = 0x2c;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const MINUS = 0x2d;
const ZERO = 0x30;
const DOT = 0x2e;

/** An object or an array that the scan is in. */
interface Level {
  /** The names so far; undefined in an array. */
  readonly names: Set<string> | undefined;
  /** The member that the scan is at. */
  step: string | number;
}

/** Walks a JSON text byte by byte, as encoding/json's scanner does, without recursion. */
class Scanner {
  readonly #bytes: Buffer;
  readonly #levels: Level[] = [];
  readonly #duplicates: string[] = [];
  #at = 0;
  #depth = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** @throws JsonSyntaxError */
  scan(): Omit<JsonText, 'value'> {
    this.#beginValue();
    while (this.#levels.length > 0) this.#endMember();
    this.#space();
    if (this.#at < this.#bytes.length) this.#fail('after top-level value');
    return { duplicateFields: this.#duplicates, depth: this.#depth };
  }

  /** Reads a scalar or an empty container; enters any other one up to its first value. */
  #beginValue(): void {
    for (;;) {
      const first = this.#space();
      if (first === OPEN_OBJECT) {
        if (!this.#enter(new Set(), CLOSE_OBJECT)) return;
        this.#name();
      } else if (first === OPEN_ARRAY) {
        if (!this.#enter(undefined, CLOSE_ARRAY)) return;
      } else {
        this.#scalar(first);
        return;
      }
    }
  }

  /** After a value in a container: begins the next one, or leaves the container. */
  #endMember(): void {
    const level = this.#levels.at(-1)!;
    const next = this.#space();
    const close = level.names ? CLOSE_OBJECT : CLOSE_ARRAY;
    if (next === close) {
      this.#at++;
      this.#levels.pop();
      return;
    }
    if (next !== COMMA) this.#fail(level.names ? 'after object key:value pair' : 'after array element');
    this.#at++;
    if (level.names) {
      this.#space();
      this.#name();
    } else {
      (level.step as number)++;
    }
    this.#beginValue();
  }

  /** Whether the container has anything in it. */
  #enter(names: Set<string> | undefined, close: number): boolean {
    if (this.#levels.length >= MAX_DEPTH) this.#fail('exceeded max depth');
    this.#depth = Math.max(this.#depth, this.#levels.length + 1);
    this.#at++;
    if (this.#space() === close) {
      this.#at++;
      return false;
    }
    this.#levels.push({ names, step: 0 });
    return true;
  }

  #name(): void {
    if (this.#bytes[this.#at] !== QUOTE) this.#fail('looking for beginning of object key string');
    const start = this.#at;
    const plain = this.#string();
    const level = this.#levels.at(-1)!;
    const name = plain
      ? this.#bytes.toString('utf8', start + 1, this.#at - 1)
      : (JSON.parse(this.#bytes.toString('utf8', start, this.#at)) as string);
    level.step = name;
    if (level.names!.has(name)) this.#duplicates.push(this.#path());
    else level.names!.add(name);
    if (this.#space() !== COLON) this.#fail('after object key');
    this.#at++;
  }

  #path(): string {
    let path = '';
    for (const { step } of this.#levels) {
      if (typeof step === 'number') path += `[${step}]`;
      else path += path === '' ? step : `.${step}`;
    }
    return path;
  }

  #scalar(first: number | undefined): void {
    if (first === QUOTE) this.#string();
    else if (first === 0x74) this.#literal('true');
    else if (first === 0x66) this.#literal('false');
    else if (first === 0x6e) this.#literal('null');
    else if (first === MINUS || isDigit(first)) this.#number();
    else this.#fail('looking for beginning of value');
  }

  /** Whether it has no escapes. */
  #string(): boolean {
    const bytes = this.#bytes;
    let plain = true;
    for (this.#at++; ; this.#at++) {
      const byte = bytes[this.#at];
      if (byte === QUOTE) break;
      if (byte === BACKSLASH) {
        plain = false;
        this.#escape();
      } else if (byte === undefined || byte < 0x20) {
        this.#fail('in string literal');
      }
    }
    this.#at++;
    return plain;
  }

  #escape(): void {
    const code = String.fromCharCode(this.#bytes[++this.#at] ?? 0);
    if (code !== 'u') {
      if (!'"\\/bfnrt'.includes(code)) this.#fail('in string escape code');
      return;
    }
    for (let digit = 0; digit < 4; digit++) {
      const hex = String.fromCharCode(this.#bytes[++this.#at] ?? 0);
      if (!/[0-9a-fA-F]/.test(hex)) this.#fail('in \\u hexadecimal character escape');
    }
  }

  #literal(word: string): void {
    for (let index = 0; index < word.length; index++, this.#at++) {
      const byte = this.#bytes[this.#at];
      const where = `in literal ${word} (expecting '${word[index]}')`;
      // encoding/json ends every text with a space.
      if (byte === undefined) throw new JsonSyntaxError(`invalid character ' ' ${where}`);
      if (byte !== word.charCodeAt(index)) this.#fail(where);
    }
  }

  #number(): void {
    if (this.#bytes[this.#at] === MINUS) this.#at++;
    if (this.#bytes[this.#at] === ZERO) this.#at++;
    else this.#digits('in numeric literal');
    if (this.#bytes[this.#at] === DOT) {
      this.#at++;
      this.#digits('after decimal point in numeric literal');
    }
    const mark = this.#bytes[this.#at];
    if (mark === 0x65 || mark === 0x45) {
      this.#at++;
      const sign = this.#bytes[this.#at];
      if (sign === MINUS || sign === 0x2b) this.#at++;
      this.#digits('in exponent of numeric literal');
    }
  }

  #digits(where: string): void {
    if (!isDigit(this.#bytes[this.#at])) this.#fail(where);
    while (isDigit(this.#bytes[this.#at])) this.#at++;
  }

  /** The byte after what is only white space. */
  #space(): number | undefined {
    for (;;) {
      const byte = this.#bytes[this.#at];
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return byte;
      this.#at++;
    }
  }

  #fail(where: string): never {
    const byte = this.#bytes[this.#at];
    if (byte === undefined) throw new JsonSyntaxError('unexpected end of JSON input');
    throw new JsonSyntaxError(`invalid character ${quoted(byte)} ${where}`);
  }
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}

const ESCAPES: Readonly<Record<number, string>> = {
  7: '\\a',
  8: '\\b',
  9: '\\t',
  10: '\\n',
  11: '\\v',
  12: '\\f',
  13: '\\r',
  39: "\\'",
  92: '\\\\',
};

/** A byte as a character in quotes (encoding/json quoteChar). */
function quoted(byte: number): string {
  const known = ESCAPES[byte];
  if (known !== undefined) return `'${known}'`;
  if (byte < 0x20 || byte === 0x7f) return `'\\x${byte.toString(16).padStart(2, '0')}'`;
  // The C1 controls, and the two of Latin-1 that no font shows.
  if ((byte >= 0x80 && byte <= 0xa0) || byte === 0xad) return `'\\u00${byte.toString(16)}'`;
  return `'${String.fromCharCode(byte)}'`;
}
