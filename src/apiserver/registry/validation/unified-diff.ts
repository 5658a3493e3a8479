// The diff that upstream's messages about immutable specs end in: apimachinery's util/diff, which lays both values out
// as JSON and compares lines as Python's difflib does.

const CONTEXT = 3;
/** Lines that make up more than a hundredth of a text this long do not start a match (difflib's autojunk). */
const POPULAR_FROM = 200;

/** Where a stretch of lines is in both: its begin in each and its length. */
interface Match {
  readonly a: number;
  readonly b: number;
  readonly size: number;
}

/** What to do with a[a1..a2) to get b[b1..b2). */
interface Step {
  readonly same: boolean;
  readonly a1: number;
  readonly a2: number;
  readonly b1: number;
  readonly b2: number;
}

/** Both values as indented JSON, and the lines that differ with three around them. */
export function unifiedDiff(before: unknown, after: unknown): string {
  const a = linesOf(before);
  const b = linesOf(after);
  return groups(steps(a, b))
    .map((group) => hunk(group, a, b))
    .join('');
}

function linesOf(value: unknown): string[] {
  // Go escapes what HTML would read.
  const text = JSON.stringify(value, undefined, 1).replace(
    /[<>&]/g,
    (char) => `\\u00${char.charCodeAt(0).toString(16)}`,
  );
  return text.split('\n');
}

function hunk(group: readonly Step[], a: readonly string[], b: readonly string[]): string {
  const first = group[0]!;
  const last = group.at(-1)!;
  let text = `@@ -${range(first.a1, last.a2)} +${range(first.b1, last.b2)} @@\n`;
  for (const { same, a1, a2, b1, b2 } of group) {
    for (const line of a.slice(a1, a2)) text += `${same ? ' ' : '-'}${line}\n`;
    if (!same) for (const line of b.slice(b1, b2)) text += `+${line}\n`;
  }
  return text;
}

function range(begin: number, end: number): string {
  const length = end - begin;
  if (length === 1) return `${begin + 1}`;
  return `${length === 0 ? begin : begin + 1},${length}`;
}

/** The steps in groups that are far enough apart, each with its context. */
function groups(all: readonly Step[]): Step[][] {
  const found: Step[][] = [];
  let group: Step[] = [];
  all.forEach((step, index) => {
    if (!step.same) {
      group.push(step);
      return;
    }
    const { a1, a2, b1, b2 } = step;
    const length = a2 - a1;
    const isFirst = index === 0;
    const isLast = index === all.length - 1;
    const head = { ...step, a2: Math.min(a2, a1 + CONTEXT), b2: Math.min(b2, b1 + CONTEXT) };
    const tail = { ...step, a1: Math.max(a1, a2 - CONTEXT), b1: Math.max(b1, b2 - CONTEXT) };
    if (isFirst && isLast) return;
    if (isFirst) group = [tail];
    else if (isLast) group.push(head);
    else if (length > 2 * CONTEXT) {
      found.push([...group, head]);
      group = [tail];
    } else group.push(step);
  });
  if (group.some((step) => !step.same)) found.push(group);
  return found;
}

function steps(a: readonly string[], b: readonly string[]): Step[] {
  const found: Step[] = [];
  let [i, j] = [0, 0];
  for (const { a: at, b: bt, size } of [...matches(a, b), { a: a.length, b: b.length, size: 0 }]) {
    if (i < at || j < bt) found.push({ same: false, a1: i, a2: at, b1: j, b2: bt });
    if (size > 0) found.push({ same: true, a1: at, a2: at + size, b1: bt, b2: bt + size });
    [i, j] = [at + size, bt + size];
  }
  return found;
}

/** The stretches that both have, in order: the longest one, then those before and behind it. */
function matches(a: readonly string[], b: readonly string[]): Match[] {
  const places = new Map<string, number[]>();
  b.forEach((line, index) => {
    places.set(line, [...(places.get(line) ?? []), index]);
  });
  if (b.length >= POPULAR_FROM) {
    for (const [line, where] of places) {
      if (where.length > Math.floor(b.length / 100) + 1) places.delete(line);
    }
  }
  const found: Match[] = [];
  const queue: [number, number, number, number][] = [[0, a.length, 0, b.length]];
  for (let next = queue.pop(); next; next = queue.pop()) {
    const [a1, a2, b1, b2] = next;
    const match = longestMatch(a, b, places, next);
    if (match.size === 0) continue;
    found.push(match);
    queue.push([a1, match.a, b1, match.b], [match.a + match.size, a2, match.b + match.size, b2]);
  }
  found.sort((x, y) => x.a - y.a);
  return joined(found);
}

function joined(found: readonly Match[]): Match[] {
  const result: Match[] = [];
  for (const match of found) {
    const last = result.at(-1);
    if (last && last.a + last.size === match.a && last.b + last.size === match.b)
      result[result.length - 1] = { ...last, size: last.size + match.size };
    else result.push(match);
  }
  return result;
}

function longestMatch(
  a: readonly string[],
  b: readonly string[],
  places: ReadonlyMap<string, readonly number[]>,
  [a1, a2, b1, b2]: readonly [number, number, number, number],
): Match {
  let best: Match = { a: a1, b: b1, size: 0 };
  let lengths = new Map<number, number>();
  for (let i = a1; i < a2; i++) {
    const next = new Map<number, number>();
    for (const j of places.get(a[i]!) ?? []) {
      if (j < b1) continue;
      if (j >= b2) break;
      const size = (lengths.get(j - 1) ?? 0) + 1;
      next.set(j, size);
      if (size > best.size) best = { a: i - size + 1, b: j - size + 1, size };
    }
    lengths = next;
  }
  let { a: at, b: bt, size } = best;
  // Popular lines may still make a match longer.
  while (at > a1 && bt > b1 && a[at - 1] === b[bt - 1]) [at, bt, size] = [at - 1, bt - 1, size + 1];
  while (at + size < a2 && bt + size < b2 && a[at + size] === b[bt + size]) size++;
  return { a: at, b: bt, size };
}
