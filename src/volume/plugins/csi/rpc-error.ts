import { isFinalError, rpcErrorText } from '../../../csi/index.ts';
import { TransientOperationFailure, UncertainProgressError } from '../../operation-error.ts';
import { CSI_PLUGIN } from './names.ts';

export { rpcErrorText };

/** The error of a mount: uncertain unless the driver has certainly given up. */
export function mountFailure(error: unknown): Error {
  const text = rpcErrorText(error);
  return isFinalError(error)
    ? new Error(text, { cause: error })
    : new UncertainProgressError(text, { cause: error });
}

/** `kubernetes.io/csi: WHAT: WHY`, as upstream words it. */
export function csiFailure(what: string, cause: unknown): Error {
  return new Error(text(what, cause), { cause });
}

/** The same, of what failed before the driver was asked: what was known of the volume still holds. */
export function transientFailure(what: string, cause: unknown): TransientOperationFailure {
  return new TransientOperationFailure(text(what, cause), { cause });
}

function text(what: string, cause: unknown): string {
  return `${CSI_PLUGIN}: ${what}: ${rpcErrorText(cause)}`;
}
