import type { Requirement, Selector } from '../../kube/index.ts';
import { isLabelValue, isQualifiedName } from './validation/index.ts';

// Grammar and messages: Kubernetes 1.36, apimachinery's pkg/labels.

type Kind = 'word' | 'end' | '(' | ')' | ',' | '!' | '=' | '==' | '!=' | '>' | '<' | 'in' | 'notin';

interface Token {
  readonly kind: Kind;
  readonly text: string;
}

const OPERATORS: Readonly<Partial<Record<Kind, Requirement['operator']>>> = {
  in: 'In',
  notin: 'NotIn',
  '=': 'In',
  '==': 'In',
  '!=': 'NotIn',
  '>': 'Gt',
  '<': 'Lt',
};

const TOKEN = /[ \t\r\n]*(?:(==|!=|[=!(),<>])|([^ \t\r\n=!(),<>]+))/y;
const INTEGER = /^[+-]?\d+$/;

/**
 * Parses the query form of a label selector: `a=b,c!=d,e in (f,g),h notin (i),j,!k,l>1`.
 * @throws Error with upstream's words for what cannot be read
 */
export function parseLabelSelector(text: string): Selector {
  const tokens = readTokens(text);
  let position = 0;
  // Only after a key are `in` and `notin` operators; elsewhere they are words like others.
  const peek = (): Token => asWord(tokens[position]!);
  const take = (): Token => asWord(tokens[position++]!);

  const takeValues = (): string[] => {
    const open = take();
    if (open.kind !== '(') throw new Error(`found '${open.text}' expected: '('`);
    const first = peek();
    if (first.kind === ')') {
      position++;
      return [''];
    }
    if (first.kind !== 'word' && first.kind !== ',')
      throw new Error(`found '${first.text}', expected: ',', ')' or identifier`);
    const values = takeList();
    position++;
    return values;
  };
  /** Words between commas, an empty one where there is none; stops before the closing parenthesis. */
  const takeList = (): string[] => {
    const values = new Set<string>();
    for (;;) {
      const token = take();
      const next = peek();
      if (token.kind === 'word') {
        values.add(token.text);
        if (next.kind === ')') break;
        if (next.kind !== ',') throw new Error(`found '${next.text}', expected: ',' or ')'`);
      } else if (token.kind === ',') {
        if (values.size === 0 || next.kind === ')' || next.kind === ',') values.add('');
        if (next.kind === ')') break;
      } else throw new Error(`found '${token.text}', expected: ',', or identifier`);
    }
    return [...values].sort();
  };
  const takeExact = (): string => {
    const next = peek();
    if (next.kind === 'end' || next.kind === ',') return '';
    if (next.kind !== 'word') throw new Error(`found '${next.text}', expected: identifier`);
    return take().text;
  };
  const takeRequirement = (): Requirement => {
    const first = take();
    const absent = first.kind === '!';
    const { kind, text: key } = absent ? take() : first;
    if (kind !== 'word') throw new Error(`found '${key}', expected: identifier`);
    const wrong = isQualifiedName(key);
    if (wrong.length > 0) throw new Error(invalid('<nil>', key, wrong.join('; ')));
    const next = peek();
    if (absent || next.kind === 'end' || next.kind === ',') {
      // `!a=b` is read as `!a`, and refused for what follows it.
      return { key, operator: absent ? 'DoesNotExist' : 'Exists', values: [] };
    }
    const { kind: sign, text } = tokens[position++]!;
    const operator = OPERATORS[sign];
    if (!operator) throw new Error(`found '${text}', expected: in, notin, =, ==, !=, gt, lt`);
    return checked({
      key,
      operator,
      values: sign === 'in' || sign === 'notin' ? takeValues() : [takeExact()],
    });
  };

  const requirements: Requirement[] = [];
  for (;;) {
    const { kind, text: found } = peek();
    if (kind === 'end') return requirements;
    if (kind !== 'word' && kind !== '!')
      throw new Error(`found '${found}', expected: !, identifier, or 'end of string'`);
    try {
      requirements.push(takeRequirement());
    } catch (error) {
      throw new Error(`unable to parse requirement: ${(error as Error).message}`);
    }
    const separator = take();
    if (separator.kind === 'end') return requirements;
    if (separator.kind !== ',')
      throw new Error(`found '${separator.text}', expected: ',' or 'end of string'`);
    const after = peek();
    if (after.kind !== 'word' && after.kind !== '!')
      throw new Error(`found '${after.text}', expected: identifier after ','`);
  }
}

/** The requirement, once its values can be ones (NewRequirement). */
function checked(requirement: Requirement): Requirement {
  const { key, operator, values } = requirement;
  const wrong = operator === 'Gt' || operator === 'Lt' ? values.flatMap(integerFault) : [];
  for (const [index, value] of values.entries()) {
    const faults = isLabelValue(value);
    if (faults.length > 0) wrong.push(invalid(`values[${index}][${key}]`, value, faults.join('; ')));
  }
  if (wrong.length > 0) throw new Error(wrong.length === 1 ? wrong[0] : `[${wrong.join(', ')}]`);
  return requirement;
}

function isInt64(text: string): boolean {
  const number = BigInt(text.replace('+', ''));
  return BigInt.asIntN(64, number) === number;
}

function integerFault(value: string, index: number): string[] {
  if (INTEGER.test(value) && isInt64(value)) return [];
  return [invalid(`values[${index}]`, value, "for 'Gt', 'Lt' operators, the value must be an integer")];
}

const invalid = (path: string, value: string, why: string) =>
  `${path}: Invalid value: ${JSON.stringify(value)}: ${why}`;

const asWord = (token: Token): Token =>
  token.kind === 'in' || token.kind === 'notin' ? { ...token, kind: 'word' } : token;

function readTokens(text: string): Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  for (let match = TOKEN.exec(text); match; match = TOKEN.exec(text)) {
    const [, symbol, word = ''] = match;
    if (symbol) tokens.push({ kind: symbol as Kind, text: symbol });
    else tokens.push({ kind: word === 'in' || word === 'notin' ? word : 'word', text: word });
  }
  // More ends than one: whoever looks past the first finds another.
  tokens.push({ kind: 'end', text: '' }, { kind: 'end', text: '' }, { kind: 'end', text: '' });
  return tokens;
}
