import type { LabelSelector } from './types.ts';

/** One requirement on a label. */
export interface Requirement {
  readonly key: string;
  readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist' | 'Gt' | 'Lt';
  readonly values: readonly string[];
}

/** All requirements must hold; none selects everything. */
export type Selector = readonly Requirement[];

type Labels = Readonly<Record<string, string>> | undefined;

export function matchesSelector(selector: Selector, labels: Labels): boolean {
  return selector.every((requirement) => holds(requirement, labels?.[requirement.key]));
}

function holds({ operator, values }: Requirement, value: string | undefined): boolean {
  switch (operator) {
    case 'In':
      return value !== undefined && isAmong(value, values);
    case 'NotIn':
      return value === undefined || !isAmong(value, values);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    case 'Gt':
      return isInteger(value) && BigInt(value) > BigInt(values[0] ?? 0);
    case 'Lt':
      return isInteger(value) && BigInt(value) < BigInt(values[0] ?? 0);
  }
}

const SHORT_LIST = 16;
const lookedUp = new WeakMap<readonly string[], ReadonlySet<string>>();

/** A client may name ten thousand values, each asked of each object: a long list is looked up, not searched. */
function isAmong(value: string, values: readonly string[]): boolean {
  if (values.length <= SHORT_LIST) return values.includes(value);
  let set = lookedUp.get(values);
  if (!set) {
    set = new Set(values);
    lookedUp.set(values, set);
  }
  return set.has(value);
}

const isInteger = (value: string | undefined): value is string => /^-?\d+$/.test(value ?? '');

/** A metav1.LabelSelector as requirements. An absent selector selects nothing: the caller decides before. */
export function fromLabelSelector(selector: LabelSelector): Selector {
  const exact = Object.entries(selector.matchLabels ?? {}).map(
    ([key, value]): Requirement => ({ key, operator: 'In', values: [value] }),
  );
  const expressions = (selector.matchExpressions ?? []).map(
    (e): Requirement => ({
      key: e.key,
      operator: e.operator as Requirement['operator'],
      values: e.values ?? [],
    }),
  );
  return [...exact, ...expressions];
}

/** The query form of a selector, by key; '' for one that selects everything (labels.Selector String). */
export function selectorText({ matchLabels, matchExpressions }: LabelSelector): string {
  const terms = [
    ...Object.entries(matchLabels ?? {}).map(([key, value]) => ({ key, text: `${key}=${value}` })),
    ...(matchExpressions ?? []).map(({ key, operator, values }) => {
      const list = `(${[...(values ?? [])].sort().join(',')})`;
      const written = { In: `${key} in ${list}`, NotIn: `${key} notin ${list}`, DoesNotExist: `!${key}` };
      return { key, text: written[operator as keyof typeof written] ?? key };
    }),
  ];
  return terms
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
    .map((term) => term.text)
    .join(',');
}

/** One term of a field selector. */
export interface FieldTerm {
  readonly path: string;
  readonly equals: boolean;
  readonly value: string;
}

/**
 * Parses `metadata.name=a,spec.nodeName!=b`. A value has its commas, equal signs and backslashes behind a backslash.
 * @throws Error that names the part that cannot be parsed (messages: apimachinery's pkg/fields)
 */
export function parseFieldSelector(text: string): readonly FieldTerm[] {
  return (text.match(/(?:[^,\\]|\\.?)+/gs) ?? []).map((term) => {
    const match = /^(.*?)(!=|==|=)(.*)$/s.exec(term);
    if (!match) throw new Error(`invalid selector: '${text}'; can't understand '${term}'`);
    return { path: match[1]!, equals: match[2] !== '!=', value: unescaped(match[3]!) };
  });
}

function unescaped(value: string): string {
  return value.replace(/\\([\s\S]?)|=/gu, (found, character: string | undefined) => {
    if (found === '=')
      throw new Error(`invalid field selector: unescaped character in value: ${found.codePointAt(0)}`);
    if (character && '\\,='.includes(character)) return character;
    throw new Error(`invalid field selector: invalid escape sequence: ${found}`);
  });
}
