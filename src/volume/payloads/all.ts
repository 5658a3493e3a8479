import { errorMessage } from '../../base/index.ts';

/** All results. @throws Error that names every failure, not only the first (utilerrors.NewAggregate). */
export function all<T>(works: readonly (() => T)[]): T[] {
  const results: T[] = [];
  const errors: unknown[] = [];
  for (const work of works) {
    try {
      results.push(work());
    } catch (error) {
      errors.push(error);
    }
  }
  throwAny(errors);
  return results;
}

/** The same of what is under way. */
export async function allSettled<T>(works: readonly Promise<T>[]): Promise<T[]> {
  const ends = await Promise.allSettled(works);
  throwAny(ends.flatMap((end) => (end.status === 'rejected' ? [end.reason as unknown] : [])));
  return ends.flatMap((end) => (end.status === 'fulfilled' ? [end.value] : []));
}

function throwAny(errors: readonly unknown[]): void {
  if (errors.length === 0) return;
  const messages = [...new Set(errors.map(errorMessage))];
  if (messages.length === 1) throw errors[0];
  throw new Error(`[${messages.join(', ')}]`, { cause: errors[0] });
}
