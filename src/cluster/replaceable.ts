/** Parts of a cluster that can run elsewhere: as processes of their own, or as their upstream twins. */
export const REPLACEABLE = ['controllers', 'scheduler', 'sidecars'] as const;
export type Replaceable = (typeof REPLACEABLE)[number];

/** @throws Error for a part that is none. */
export function parseReplaceable(text: string, before: readonly Replaceable[] = []): readonly Replaceable[] {
  const named = text.split(',').map((name) => name.trim());
  const parts = named.map((name) => {
    const part = REPLACEABLE.find((one) => one === name);
    if (part === undefined) throw new Error(`${JSON.stringify(name)} is none of ${REPLACEABLE.join(', ')}.`);
    return part;
  });
  return [...new Set([...before, ...parts])];
}
