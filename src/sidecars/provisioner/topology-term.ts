import type { TopologySelectorTerm } from '../../kube/index.ts';

/** One place, as a driver sees it: the values of its topology keys, sorted by key. */
export type TopologyTerm = readonly (readonly [key: string, value: string])[];

/** The place of a node's labels; undefined when a key is missing. */
export function termOf(
  labels: Readonly<Record<string, string>> | undefined,
  keys: readonly string[],
): TopologyTerm | undefined {
  const segments: (readonly [string, string])[] = [];
  for (const key of keys) {
    const value = labels?.[key];
    if (value === undefined) return undefined;
    segments.push([key, value]);
  }
  return sortedTerm(segments);
}

/** Fewer keys first, then by key and value: the order in which requisite terms are sent. */
export function compareTerms(a: TopologyTerm, b: TopologyTerm): number {
  if (a.length !== b.length) return a.length - b.length;
  for (const [index, [key, value]] of a.entries()) {
    const [otherKey, otherValue] = b[index]!;
    const difference = compareText(key, otherKey) || compareText(value, otherValue);
    if (difference !== 0) return difference;
  }
  return 0;
}

export function isEqualTerm(a: TopologyTerm, b: TopologyTerm): boolean {
  return compareTerms(a, b) === 0;
}

/** Whether a place that satisfies `whole` satisfies `part`, too. */
export function isSubset(part: TopologyTerm, whole: TopologyTerm): boolean {
  return part.every(([key, value]) => whole.some(([otherKey, other]) => otherKey === key && other === value));
}

/** Sorted, each once. */
export function distinct(terms: readonly TopologyTerm[]): TopologyTerm[] {
  return [...terms]
    .sort(compareTerms)
    .filter((term, index, all) => index === 0 || compareTerms(term, all[index - 1]!) !== 0);
}

/**
 * The places that allowedTopologies lists. A selector term may give several values for each of its keys: every
 * combination of them is one place.
 */
export function flatten(allowed: readonly TopologySelectorTerm[]): TopologyTerm[] {
  return allowed.flatMap(({ matchLabelExpressions = [] }) => {
    let places: TopologyTerm[] = [];
    for (const [index, { key, values }] of matchLabelExpressions.entries()) {
      const before: TopologyTerm[] = index === 0 ? [[]] : places;
      places = values.flatMap((value) => before.map((place) => [...place, [key, value] as const]));
    }
    return places.map(sortedTerm);
  });
}

/** As a message of CSI has it. */
export function segmentsOf(term: TopologyTerm): { segments: Record<string, string> } {
  return { segments: Object.fromEntries(term) };
}

/** For messages, as Go prints a list of segments. */
export function termText(term: TopologyTerm): string {
  return `[${term.map(([key, value]) => `{${key} ${value}}`).join(' ')}]`;
}

/** As every term is: by key. */
export function sortedTerm(term: TopologyTerm): TopologyTerm {
  return [...term].sort(([a, x], [b, y]) => compareText(a, b) || compareText(x, y));
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
