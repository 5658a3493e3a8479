/**
 * Does `count` things in batches of 1, 2, 4, … so that what is hopeless fails cheaply. The first batch with a failure is
 * the last.
 * @throws the first failure
 */
export async function slowStart(count: number, work: (index: number) => Promise<void>): Promise<void> {
  let done = 0;
  for (let size = 1; done < count; size *= 2) {
    const batch = Array.from({ length: Math.min(size, count - done) }, (_, index) => work(done + index));
    const failed = (await Promise.allSettled(batch)).find(({ status }) => status === 'rejected');
    if (failed) throw (failed as PromiseRejectedResult).reason;
    done += batch.length;
  }
}
