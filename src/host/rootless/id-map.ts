/** Ids `inside` … `inside + count - 1` of a user namespace are `outside` … of the one around it (user_namespaces(7)). */
export interface IdRange {
  readonly inside: number;
  readonly outside: number;
  readonly count: number;
}

const ALL_IDS = 2 ** 32 - 1;

/** @param text /proc/self/uid_map or gid_map. */
export function parseIdMap(text: string): readonly IdRange[] {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [inside = 0, outside = 0, count = 0] = line.trim().split(/\s+/).map(Number);
      return { inside, outside, count };
    });
}

/** Whether all ids of the machine are there under their own numbers: no user namespace, or one that hides nobody. */
export function isWholeMachine(ranges: readonly IdRange[]): boolean {
  return ranges.some(({ inside, outside, count }) => inside === 0 && outside === 0 && count === ALL_IDS);
}

/** The id if the namespace has it, else that of the one user who is certainly there: its root. */
export function idOrRoot(ranges: readonly IdRange[], id: number): number {
  return ranges.some(({ inside, count }) => id >= inside && id < inside + count) ? id : 0;
}
