import { setFlagsFromString } from 'node:v8';

// A pattern comes from whoever may write a definition: one that backtracks without end is finished by V8's linear engine.
setFlagsFromString('--enable-experimental-regexp-engine-on-excessive-backtracks');

/** A pattern that Go's regexp package would refuse, or that uses what this server cannot do. */
export class PatternError extends Error {
  override name = 'PatternError';
}

const MAX_COMPILED = 1024;
/** RE2's own limit. */
const MAX_REPEAT = 1000;
/** Past so many the linear engine does not take a counted repeat: it is written out. */
const MAX_COUNTED = 8;
const MAX_SOURCE_LENGTH = 100_000;
const compiled = new Map<string, RegExp>();

/**
 * The expression that matches what Go's (RE2's) pattern matches, in linear time. What RE2 has not (look-around,
 * back-references) is refused.
 * @throws PatternError
 */
export function goRegExp(pattern: string): RegExp {
  let expression = compiled.get(pattern);
  if (!expression) {
    const { source, flags } = new Translation(pattern).result();
    try {
      expression = new RegExp(source, flags);
    } catch (error) {
      throw new PatternError(`error parsing regexp: ${(error as Error).message}`);
    }
    if (compiled.size >= MAX_COMPILED) compiled.clear();
    compiled.set(pattern, expression);
  }
  return expression;
}

const POSIX_CLASSES: Readonly<Record<string, string>> = {
  alnum: '0-9A-Za-z',
  alpha: 'A-Za-z',
  ascii: '\\x00-\\x7F',
  blank: '\\t ',
  cntrl: '\\x00-\\x1F\\x7F',
  digit: '0-9',
  graph: '!-~',
  lower: 'a-z',
  print: ' -~',
  punct: '!-\\/:-@\\[-`{-~',
  space: '\\t\\n\\v\\f\\r ',
  upper: 'A-Z',
  word: '0-9A-Za-z_',
  xdigit: '0-9A-Fa-f',
};
const SPECIAL = /[\\^$.*+?()[\]{}|/]/;

/** Walks a pattern once. */
class Translation {
  readonly #text: string;
  #at = 0;
  #ignoresCase = false;
  #flags = '';
  /** Unicode properties need a mode that only the backtracking engine has. */
  #usesProperties = false;
  #nestedRepeat = false;

  constructor(pattern: string) {
    this.#text = pattern;
  }

  result(): { source: string; flags: string } {
    const lead = this.#match(/^\(\?([ims]+)\)/);
    if (lead) {
      this.#ignoresCase = lead[1]!.includes('i');
      this.#flags = [...new Set(lead[1]!.replaceAll('i', ''))].join('');
    }
    const { source } = this.#alternatives();
    if (this.#at < this.#text.length) throw new PatternError('error parsing regexp: unexpected ): ``');
    const unicode = this.#usesProperties || /[\u{10000}-\u{10FFFF}]/u.test(this.#text);
    if (unicode && this.#nestedRepeat)
      throw new PatternError(
        'error parsing regexp: nested repeats beside \\p are not supported by this server',
      );
    return { source, flags: this.#flags + (unicode ? 'u' : '') };
  }

  /** Up to a closing parenthesis or the end. */
  #alternatives(): { source: string; repeats: boolean } {
    let source = '';
    let repeats = false;
    for (;;) {
      const char = this.#text[this.#at];
      if (char === undefined || char === ')') return { source, repeats };
      if (char === '|') {
        source += '|';
        this.#at++;
        continue;
      }
      const atom = this.#atom();
      const repeated = this.#repeated(atom.source, atom.repeats);
      if (repeated !== atom.source || atom.repeats) repeats = true;
      source += repeated;
      if (source.length > MAX_SOURCE_LENGTH)
        throw new PatternError('error parsing regexp: expression nests or repeats too much');
    }
  }

  #repeated(atom: string, nested: boolean): string {
    const sign = this.#match(/^(?:([*+?])|\{(\d+)(?:(,)(\d*))?\})(\??)/);
    if (!sign) return atom;
    if (nested) this.#nestedRepeat = true;
    const lazy = sign[5]!;
    if (sign[1]) return `${atom}${sign[1]}${lazy}`;
    const low = Number(sign[2]);
    const high = sign[3] === undefined ? low : sign[4] === '' ? undefined : Number(sign[4]);
    if (low > MAX_REPEAT || (high ?? 0) > MAX_REPEAT || (high !== undefined && high < low))
      throw new PatternError(`error parsing regexp: invalid repeat count: \`${sign[0]}\``);
    if (low <= MAX_COUNTED && (high ?? low) <= MAX_COUNTED)
      return `${atom}{${low}${sign[3] === undefined ? '' : `,${high ?? ''}`}}${lazy}`;
    const least = atom.repeat(low);
    return high === undefined ? `${least}${atom}*${lazy}` : `${least}${`${atom}?${lazy}`.repeat(high - low)}`;
  }

  #atom(): { source: string; repeats: boolean } {
    const char = this.#text[this.#at]!;
    if (char === '(') return this.#group();
    if (char === '[') return plain(this.#class());
    if (char === '\\') return plain(this.#escape(false));
    if (/[*+?]/.test(char))
      throw new PatternError(`error parsing regexp: missing argument to repetition operator: \`${char}\``);
    const point = String.fromCodePoint(this.#text.codePointAt(this.#at)!);
    this.#at += point.length;
    if (/[.^$]/.test(point)) return plain(point);
    return plain(this.#literal(point));
  }

  #group(): { source: string; repeats: boolean } {
    const opening = this.#match(/^\((?:\?(?:P?<([A-Za-z_]\w*)>|:))?(?!\?)/);
    if (!opening) {
      const what = /^\(\?.[^)]?/.exec(this.#text.slice(this.#at))?.[0] ?? '(?';
      throw new PatternError(`error parsing regexp: invalid or unsupported Perl syntax: \`${what}\``);
    }
    const { source, repeats } = this.#alternatives();
    if (this.#text[this.#at] !== ')')
      throw new PatternError(`error parsing regexp: missing closing ): \`${this.#text}\``);
    this.#at++;
    return { source: opening[0].startsWith('(?:') ? `(?:${source})` : `(${source})`, repeats };
  }

  #literal(char: string): string {
    if (SPECIAL.test(char)) return `\\${char}`;
    if (this.#ignoresCase && char.toLowerCase() !== char.toUpperCase())
      return `[${char.toLowerCase()}${char.toUpperCase()}]`;
    return char;
  }

  #escape(inClass: boolean): string {
    const rest = this.#text.slice(this.#at);
    const char = rest[1];
    if (char === undefined)
      throw new PatternError('error parsing regexp: trailing backslash at end of expression: ``');
    const quoted = inClass ? undefined : this.#match(/^\\Q([\s\S]*?)(?:\\E|$)/);
    if (quoted) return [...quoted[1]!].map((one) => this.#literal(one)).join('');
    const code = this.#match(/^\\(?:x\{([0-9A-Fa-f]{1,6})\}|x([0-9A-Fa-f]{2}))/);
    if (code) return unicodeEscape(Number.parseInt(code[1] ?? code[2]!, 16));
    const octal = this.#match(/^\\(0[0-7]{0,2}|[1-7][0-7]{1,2})/);
    if (octal) return unicodeEscape(Number.parseInt(octal[1]!, 8));
    const property = this.#match(/^\\([pP])(?:\{(\^?)(\w+)\}|([A-Z]))/);
    if (property) {
      this.#usesProperties = true;
      const name = property[3] ?? property[4]!;
      const isNegated = (property[1] === 'P') !== (property[2] === '^');
      return `\\${isNegated ? 'P' : 'p'}{${/^[A-Z][a-z]?$/.test(name) ? name : `Script=${name}`}}`;
    }
    this.#at += 2;
    if (char === 's') return inClass ? '\\t\\n\\f\\r ' : '[\\t\\n\\f\\r ]';
    if (char === 'S' && !inClass) return '[^\\t\\n\\f\\r ]';
    if (char === 'A' && !inClass) return '(?<![\\s\\S])';
    if (char === 'z' && !inClass) return '(?![\\s\\S])';
    if (char === 'a') return '\\x07';
    if (/[dDwWSfnrtv]/.test(char) || (/[bB]/.test(char) && !inClass)) return `\\${char}`;
    if (/[A-Za-z0-9]/.test(char))
      throw new PatternError(`error parsing regexp: invalid escape sequence: \`\\${char}\``);
    return SPECIAL.test(char) || char === '-' ? `\\${char}`.replace('\\-', inClass ? '\\-' : '-') : char;
  }

  #class(): string {
    const opening = this.#match(/^\[\^?/)!;
    let source = opening[0];
    for (let first = true; ; first = false) {
      const char = this.#text[this.#at];
      if (char === undefined)
        throw new PatternError(`error parsing regexp: missing closing ]: \`${this.#text}\``);
      if (char === ']' && !first) {
        this.#at++;
        return `${source}]`;
      }
      const posix = this.#match(/^\[:(\w+):\]/);
      if (posix) {
        const members = POSIX_CLASSES[posix[1]!];
        if (!members)
          throw new PatternError(`error parsing regexp: invalid character class range: \`${posix[0]}\``);
        source += members;
        continue;
      }
      if (char === '\\') {
        source += this.#escape(true);
        continue;
      }
      const letters = this.#ignoresCase
        ? this.#match(/^(?:[a-z]-[a-z]|[A-Z]-[A-Z]|[A-Za-z](?!-[^\]]))/)
        : undefined;
      if (letters) {
        source += letters[0].toLowerCase() + letters[0].toUpperCase();
        continue;
      }
      source += /[[\](){}/|]/.test(char) ? `\\${char}` : char;
      this.#at++;
    }
  }

  /** Takes what the expression, which must begin with ^, matches here. */
  #match(expression: RegExp): RegExpExecArray | undefined {
    const found = expression.exec(this.#text.slice(this.#at));
    if (!found) return undefined;
    this.#at += found[0].length;
    return found;
  }
}

const plain = (source: string) => ({ source, repeats: false });

function unicodeEscape(code: number): string {
  return code > 0xffff ? String.fromCodePoint(code) : `\\u${code.toString(16).padStart(4, '0')}`;
}
