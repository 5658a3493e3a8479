import { isFinalError, rpcErrorText } from '../../../csi/index.ts';
import { UncertainProgressError } from '../../operation-error.ts';

export { rpcErrorText };

/** The error of a mount: uncertain unless the driver has certainly given up. */
export function mountFailure(error: unknown): Error {
  const text = rpcErrorText(error);
  return isFinalError(error)
    ? new Error(text, { cause: error })
    : new UncertainProgressError(text, { cause: error });
}
