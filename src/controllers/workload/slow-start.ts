/**
 * Does `count` things in batches of 1, 2, 4, … so that what is hopeless fails cheaply. The first batch with a failure is
 * the last.
 * @throws the first failure
 */
export async function slowStart(count: number, work: (index: number) => Promise<void>): Promise<void> {
  let done = 0;
  for (let size = 1; done < count; size *= 2) {
    const batch = Array.from({ length: Math.min(size, count - done) }, (_, index) => work(done + index));
    await allOf(batch);
    done += batch.length;
  }
}

/**
 * Waits for all of it, whatever fails.
 * @throws the first failure
 */
export async function allOf(work: readonly Promise<unknown>[]): Promise<void> {
  for (const result of await Promise.allSettled(work)) {
    if (result.status === 'rejected') throw result.reason;
  }
}
