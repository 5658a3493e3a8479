/** Whole numbers as ordered intervals, written as `1,3-5,7` (status.completedIndexes). */
export type Intervals = readonly (readonly [first: number, last: number])[];

/** Only numbers below `limit`; what makes no sense is left out. */
export function parseIndexes(text: string | undefined, limit: number): Intervals {
  const found: [number, number][] = [];
  for (const part of (text ?? '').split(',')) {
    const match = /^([0-9]+)(?:-([0-9]+))?$/.exec(part);
    if (!match) continue;
    const first = Number(match[1]);
    if (first >= limit) break;
    found.push([first, Math.min(Number(match[2] ?? first), limit - 1)]);
  }
  return merge(found);
}

export function formatIndexes(intervals: Intervals): string {
  return intervals
    .map(([first, last]) => {
      if (last === first) return String(first);
      return `${first}${last === first + 1 ? ',' : '-'}${last}`;
    })
    .join();
}

export function withIndexes(intervals: Intervals, indexes: Iterable<number>): Intervals {
  return merge([...intervals, ...[...indexes].map((index) => [index, index] as const)]);
}

export function hasIndex(intervals: Intervals, index: number): boolean {
  return intervals.some(([first, last]) => first <= index && index <= last);
}

export function countIndexes(intervals: Intervals): number {
  return intervals.reduce((total, [first, last]) => total + last - first + 1, 0);
}

/** How many are in both. */
export function countCommon(a: Intervals, b: Intervals): number {
  let common = 0;
  for (const [first, last] of a) {
    for (const [from, to] of b) common += Math.max(0, Math.min(last, to) - Math.max(first, from) + 1);
  }
  return common;
}

/** The lowest `count` numbers below `limit` that are not in the intervals. */
export function firstMissing(intervals: Intervals, count: number, limit: number): number[] {
  const missing: number[] = [];
  let next = 0;
  for (const [first, last] of [...intervals, [limit, limit] as const]) {
    for (; next < Math.min(first, limit) && missing.length < count; next++) missing.push(next);
    next = Math.max(next, last + 1);
  }
  return missing;
}

function merge(intervals: Intervals): Intervals {
  const merged: [number, number][] = [];
  for (const [first, last] of [...intervals].sort((a, b) => a[0] - b[0])) {
    const before = merged.at(-1);
    if (before && first <= before[1] + 1) before[1] = Math.max(before[1], last);
    else merged.push([first, last]);
  }
  return merged;
}
