import { errorMessage } from '../../base/index.ts';
import { Code, CsiStatus } from '../../csi/index.ts';

/** A full disk, a quota, or a limit on the size of files. */
const EXHAUSTED: readonly unknown[] = ['ENOSPC', 'EDQUOT', 'EFBIG'];

/** Runs work whose failure for want of space is the caller's to know (RESOURCE_EXHAUSTED); any other is a fault of ours. */
export async function orExhausted<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof CsiStatus) throw error;
    const full = EXHAUSTED.includes((error as { code?: unknown }).code);
    throw new CsiStatus(full ? Code.RESOURCE_EXHAUSTED : Code.INTERNAL, `${what}: ${errorMessage(error)}`, {
      cause: error,
    });
  }
}
