// The syntax of CEL (cel-spec langdef.md) with the optional syntax that Kubernetes turns on: a.?b, a[?k], [?x], {?k: v}.

/** `at`: the offset in the source that messages point to. */
export type Node =
  | { readonly kind: 'literal'; readonly at: number; readonly value: Literal }
  | { readonly kind: 'name'; readonly at: number; readonly name: string }
  | {
      readonly kind: 'select';
      readonly at: number;
      readonly of: Node;
      readonly field: string;
      readonly optional: boolean;
    }
  | {
      readonly kind: 'index';
      readonly at: number;
      readonly of: Node;
      readonly key: Node;
      readonly optional: boolean;
    }
  | {
      readonly kind: 'call';
      readonly at: number;
      readonly target: Node | undefined;
      readonly name: string;
      readonly args: readonly Node[];
    }
  | { readonly kind: 'list'; readonly at: number; readonly items: readonly Item[] }
  | { readonly kind: 'map'; readonly at: number; readonly entries: readonly Entry[] };

export interface Item {
  readonly value: Node;
  readonly optional: boolean;
}

export interface Entry extends Item {
  readonly key: Node;
}

export type Literal =
  | { readonly type: 'int'; readonly value: bigint }
  | { readonly type: 'uint'; readonly value: bigint }
  | { readonly type: 'double'; readonly value: number }
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'bytes'; readonly value: Uint8Array }
  | { readonly type: 'bool'; readonly value: boolean }
  | { readonly type: 'null'; readonly value: null };

/** The text is no expression, or one that does not fit its types. */
export class CompileError extends Error {
  override name = 'CompileError';
  readonly at: number;

  constructor(message: string, at: number) {
    super(message);
    this.at = at;
  }
}

interface Token {
  readonly kind: 'name' | 'literal' | 'sign' | 'end';
  readonly text: string;
  readonly at: number;
  readonly literal?: Literal;
}

const MAX_DEPTH = 250;
const SPACE = /(?:\s|\/\/[^\n]*)*/y;
const NAME = /[A-Za-z_]\w*/y;
const NUMBER =
  /0[xX]([0-9a-fA-F]+)([uU]?)|(\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\.\d+(?:[eE][+-]?\d+)?)|(\d+)([uU]?)/y;
const STRING =
  /([rRbB]{0,2})("""[\s\S]*?(?<!\\)"""|'''[\s\S]*?(?<!\\)'''|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')/y;
const RAW_STRING = /([bB]?[rR][bB]?)("""[\s\S]*?"""|'''[\s\S]*?'''|"[^"\n]*"|'[^'\n]*')/y;
const SIGN = /&&|\|\||==|!=|<=|>=|[-+*/%!<>?:.,()[\]{}]/y;
const RESERVED = new Set(
  'as break const continue else for function if import let loop package namespace return var void while'.split(
    ' ',
  ),
);
const BINARY: readonly (readonly string[])[] = [
  ['||'],
  ['&&'],
  ['==', '!=', '<', '<=', '>', '>=', 'in'],
  ['+', '-'],
  ['*', '/', '%'],
];

/** @throws CompileError */
export function parse(source: string): Node {
  return new Parser(source).parse();
}

function tokenize(source: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  const take = (expression: RegExp) => {
    expression.lastIndex = at;
    const match = expression.exec(source);
    if (match) at += match[0].length;
    return match;
  };
  for (;;) {
    take(SPACE);
    const start = at;
    if (at >= source.length) return [...tokens, { kind: 'end', text: '<EOF>', at }];
    const raw = take(RAW_STRING);
    const quoted = raw ?? take(STRING);
    if (quoted) {
      tokens.push({ kind: 'literal', text: quoted[0], at: start, literal: stringLiteral(quoted, start) });
      continue;
    }
    const name = take(NAME);
    if (name) {
      tokens.push(wordToken(name[0], start));
      continue;
    }
    const number = take(NUMBER);
    if (number) {
      tokens.push({ kind: 'literal', text: number[0], at: start, literal: numberLiteral(number) });
      continue;
    }
    const sign = take(SIGN);
    if (!sign)
      throw new CompileError(`Syntax error: token recognition error at: '${source.slice(at, at + 1)}'`, at);
    tokens.push({ kind: 'sign', text: sign[0], at: start });
  }
}

function wordToken(text: string, at: number): Token {
  if (text === 'true' || text === 'false')
    return { kind: 'literal', text, at, literal: { type: 'bool', value: text === 'true' } };
  if (text === 'null') return { kind: 'literal', text, at, literal: { type: 'null', value: null } };
  return { kind: text === 'in' ? 'sign' : 'name', text, at };
}

function numberLiteral([, hex, hexUnsigned, double, integer, unsigned]: RegExpExecArray): Literal {
  if (double !== undefined) return { type: 'double', value: Number(double) };
  const value = hex === undefined ? BigInt(integer!) : BigInt(`0x${hex}`);
  return { type: hexUnsigned || unsigned ? 'uint' : 'int', value };
}

function stringLiteral([, prefix = '', body = '']: RegExpExecArray, at: number): Literal {
  const quotes = /^("""|''')/.test(body) ? 3 : 1;
  const inside = body.slice(quotes, -quotes);
  const isBytes = /b/i.test(prefix);
  const text = /r/i.test(prefix) ? inside : unescapeText(inside, at);
  return isBytes ? { type: 'bytes', value: new TextEncoder().encode(text) } : { type: 'string', value: text };
}

const ESCAPES: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  '?': '?',
  '"': '"',
  "'": "'",
  '`': '`',
};

function unescapeText(text: string, at: number): string {
  return text.replace(
    /\\(?:x([0-9a-fA-F]{2})|X([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2})|([\s\S]))/g,
    (
      whole: string,
      x?: string,
      upperX?: string,
      u?: string,
      upperU?: string,
      octal?: string,
      char?: string,
    ) => {
      const hex = x ?? upperX ?? u ?? upperU;
      if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16));
      if (octal !== undefined) return String.fromCodePoint(Number.parseInt(octal, 8));
      const plain = ESCAPES[char!];
      if (plain === undefined)
        throw new CompileError(`Syntax error: unable to unescape string: ${whole}`, at);
      return plain;
    },
  );
}

class Parser {
  readonly #tokens: readonly Token[];
  #next = 0;
  #depth = 0;

  constructor(source: string) {
    this.#tokens = tokenize(source);
  }

  parse(): Node {
    const node = this.#expression();
    if (this.#token.kind !== 'end') throw this.#unexpected();
    return node;
  }

  get #token(): Token {
    return this.#tokens[this.#next]!;
  }

  #unexpected(): CompileError {
    const { text, at, kind } = this.#token;
    return new CompileError(`Syntax error: mismatched input '${kind === 'end' ? '<EOF>' : text}'`, at);
  }

  #accept(sign: string): Token | undefined {
    const token = this.#token;
    if (token.kind !== 'sign' || token.text !== sign) return undefined;
    this.#next++;
    return token;
  }

  #expect(sign: string): Token {
    const token = this.#accept(sign);
    if (!token) throw this.#unexpected();
    return token;
  }

  #expression(): Node {
    if (++this.#depth > MAX_DEPTH)
      throw new CompileError('Syntax error: expression recursion limit exceeded: 250', this.#token.at);
    const condition = this.#binary(0);
    const question = this.#accept('?');
    let node = condition;
    if (question) {
      const yes = this.#binary(0);
      this.#expect(':');
      node = call('_?_:_', question.at, [condition, yes, this.#expression()]);
    }
    this.#depth--;
    return node;
  }

  #binary(level: number): Node {
    const signs = BINARY[level];
    if (!signs) return this.#unary();
    let left = this.#binary(level + 1);
    for (;;) {
      const { kind, text, at } = this.#token;
      if (kind !== 'sign' || !signs.includes(text)) return left;
      this.#next++;
      left = call(text === 'in' ? '@in' : `_${text}_`, at, [left, this.#binary(level + 1)]);
    }
  }

  #unary(): Node {
    const sign = this.#accept('!') ?? this.#accept('-');
    if (!sign) return this.#member();
    if (++this.#depth > MAX_DEPTH)
      throw new CompileError('Syntax error: expression recursion limit exceeded: 250', sign.at);
    const { literal } = this.#token;
    if (sign.text === '-' && (literal?.type === 'int' || literal?.type === 'double')) {
      this.#next++;
      this.#depth--;
      const value = { ...literal, value: -literal.value } as Literal;
      return this.#suffixes({ kind: 'literal', at: sign.at, value });
    }
    const operand = this.#unary();
    this.#depth--;
    return call(sign.text === '!' ? '!_' : '-_', sign.at, [operand]);
  }

  #member(): Node {
    return this.#suffixes(this.#primary());
  }

  #suffixes(start: Node): Node {
    let node = start;
    for (;;) {
      const point = this.#accept('.');
      if (point) {
        const optional = this.#accept('?') !== undefined;
        const { kind, text } = this.#token;
        if (kind !== 'name') throw this.#unexpected();
        this.#next++;
        const open = optional ? undefined : this.#accept('(');
        node = open
          ? { kind: 'call', at: open.at, target: node, name: text, args: this.#list(')') }
          : { kind: 'select', at: point.at, of: node, field: text, optional };
        continue;
      }
      const bracket = this.#accept('[');
      if (!bracket) return node;
      const optional = this.#accept('?') !== undefined;
      const key = this.#expression();
      this.#expect(']');
      node = { kind: 'index', at: bracket.at, of: node, key, optional };
    }
  }

  #primary(): Node {
    const token = this.#token;
    if (token.kind === 'literal') {
      this.#next++;
      return { kind: 'literal', at: token.at, value: token.literal! };
    }
    if (this.#accept('(')) {
      const node = this.#expression();
      this.#expect(')');
      return node;
    }
    if (this.#accept('[')) return { kind: 'list', at: token.at, items: this.#items() };
    if (this.#accept('{')) return { kind: 'map', at: token.at, entries: this.#entries() };
    this.#accept('.');
    const name = this.#token;
    if (name.kind !== 'name') throw this.#unexpected();
    this.#next++;
    if (RESERVED.has(name.text))
      throw new CompileError(`Syntax error: reserved identifier: ${name.text}`, name.at);
    const open = this.#accept('(');
    return open
      ? { kind: 'call', at: open.at, target: undefined, name: name.text, args: this.#list(')') }
      : { kind: 'name', at: name.at, name: name.text };
  }

  #list(close: string): Node[] {
    const nodes: Node[] = [];
    while (!this.#accept(close)) {
      if (nodes.length > 0) this.#expect(',');
      nodes.push(this.#expression());
    }
    return nodes;
  }

  #items(): Item[] {
    const items: Item[] = [];
    while (!this.#accept(']')) {
      if (items.length > 0) this.#expect(',');
      if (items.length > 0 && this.#accept(']')) break;
      const optional = this.#accept('?') !== undefined;
      items.push({ optional, value: this.#expression() });
    }
    return items;
  }

  #entries(): Entry[] {
    const entries: Entry[] = [];
    while (!this.#accept('}')) {
      if (entries.length > 0) this.#expect(',');
      if (entries.length > 0 && this.#accept('}')) break;
      const optional = this.#accept('?') !== undefined;
      const key = this.#expression();
      this.#expect(':');
      entries.push({ optional, key, value: this.#expression() });
    }
    return entries;
  }
}

const call = (name: string, at: number, args: readonly Node[]): Node => ({
  kind: 'call',
  at,
  target: undefined,
  name,
  args,
});
