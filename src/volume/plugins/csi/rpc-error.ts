import { errorMessage } from '../../../base/index.ts';
import { CsiError, isFinalError } from '../../../csi/index.ts';
import { UncertainProgressError } from '../../operation-error.ts';

/** A failed call as events show it, worded as gRPC for Go does: `rpc error: code = NotFound desc = no such volume`. */
export function rpcErrorText(error: unknown): string {
  if (!(error instanceof CsiError)) return errorMessage(error);
  return `rpc error: code = ${goCodeName(error.codeName)} desc = ${error.details}`;
}

/** The error of a mount: uncertain unless the driver has certainly given up. */
export function mountFailure(error: unknown): Error {
  const text = rpcErrorText(error);
  return isFinalError(error)
    ? new Error(text, { cause: error })
    : new UncertainProgressError(text, { cause: error });
}

/** DEADLINE_EXCEEDED is DeadlineExceeded; Go spells CANCELLED with one L. */
function goCodeName(name: string): string {
  if (name === 'OK') return 'OK';
  if (name === 'CANCELLED') return 'Canceled';
  return name
    .split('_')
    .map((word) => word[0] + word.slice(1).toLowerCase())
    .join('');
}
