import type { LabelSelector } from './types.ts';

/** One requirement on a label. */
export interface Requirement {
  readonly key: string;
  readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
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
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
  }
}

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

const NAME = `(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?)`;
const KEY = `(?:[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?/)?${NAME}`;
const SET_TERM = new RegExp(String.raw`^(${KEY})\s+(in|notin)\s*\(([^()]*)\)$`);
const EXACT_TERM = new RegExp(String.raw`^(${KEY})\s*(==|=|!=)\s*(${NAME}?)$`);
const EXISTS_TERM = new RegExp(String.raw`^(!?)\s*(${KEY})$`);

/**
 * Parses the query form: `a=b,c!=d,e in (f,g),h notin (i),j,!k`.
 * @throws Error that names the part that cannot be parsed.
 */
export function parseLabelSelector(text: string): Selector {
  return splitTerms(text).map((term): Requirement => {
    const set = SET_TERM.exec(term);
    if (set) {
      const values = set[3]!.split(',').map((value) => value.trim());
      return { key: set[1]!, operator: set[2] === 'in' ? 'In' : 'NotIn', values };
    }
    const exact = EXACT_TERM.exec(term);
    if (exact) return { key: exact[1]!, operator: exact[2] === '!=' ? 'NotIn' : 'In', values: [exact[3]!] };
    const exists = EXISTS_TERM.exec(term);
    if (exists) return { key: exists[2]!, operator: exists[1] ? 'DoesNotExist' : 'Exists', values: [] };
    throw new Error(`unable to parse requirement: cannot read ${JSON.stringify(term)} as a label selector`);
  });
}

/** Splits at commas outside parentheses; empty parts are dropped. */
function splitTerms(text: string): string[] {
  return text
    .split(/,(?![^(]*\))/)
    .map((term) => term.trim())
    .filter((term) => term !== '');
}

/** One term of a field selector. */
export interface FieldTerm {
  readonly path: string;
  readonly equals: boolean;
  readonly value: string;
}

/**
 * Parses `metadata.name=a,spec.nodeName!=b`.
 * @throws Error that names the part that cannot be parsed.
 */
export function parseFieldSelector(text: string): readonly FieldTerm[] {
  return text
    .split(',')
    .filter((term) => term !== '')
    .map((term) => {
      const match = /^([^=!]+)(==|=|!=)(.*)$/.exec(term);
      if (!match) throw new Error(`invalid selector: '${text}'; can't understand '${term}'`);
      return { path: match[1]!, equals: match[2] !== '!=', value: match[3]! };
    });
}
