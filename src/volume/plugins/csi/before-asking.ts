import { errorMessage } from '../../../base/index.ts';
import { isOperationFinished, TransientOperationFailure } from '../../operation-error.ts';

/**
 * What comes before a driver is asked to mount. When it fails it says nothing of an earlier try, which may have mounted, or
 * be mounting still: what was known of the volume holds. Upstream forgets such a volume.
 */
export async function beforeAsking<T>(prepare: () => Promise<T>): Promise<T> {
  try {
    return await prepare();
  } catch (error) {
    if (!isOperationFinished(error)) throw error;
    throw new TransientOperationFailure(errorMessage(error), { cause: error });
  }
}
