/**
 * How deep objects may nest. Upstream stops at 10,000; what walks objects here takes a frame of the stack for each level,
 * some walks several, and whatever is stored must be walked by all of them. Real objects have a few dozen levels.
 */
export const MAX_DEPTH = 500;

export const TOO_DEEP = `the object is nested too deeply: it may have ${MAX_DEPTH} levels`;

/** Whether a value that stands `below` so many levels reaches deeper than objects may. */
export function isTooDeep(value: unknown, below = 0): boolean {
  let level = [value];
  for (let depth = below; level.length > 0; depth++) {
    const next: unknown[] = [];
    for (const one of level) if (typeof one === 'object' && one !== null) next.push(one);
    if (next.length > 0 && depth >= MAX_DEPTH) return true;
    level = next.flatMap((one) => Object.values(one as object));
  }
  return false;
}
