/**
 * A mount or its undoing failed in a way that leaves open whether it happened: it may still be going on. The volume
 * counts as mounted, uncertainly, until it was certainly set up or torn down.
 */
export class UncertainProgressError extends Error {
  override name = 'UncertainProgressError';
}

/** The operation did not reach the point where it could have changed anything: what was known before still holds. */
export class TransientOperationFailure extends Error {
  override name = 'TransientOperationFailure';
}

/**
 * Whether a failed operation is over for sure, with nothing left of it. Any error that is neither of the two above.
 * Source: upstream's volumetypes.IsOperationFinishedError.
 */
export function isOperationFinished(error: unknown): boolean {
  return !(error instanceof UncertainProgressError) && !(error instanceof TransientOperationFailure);
}

/** A pod's volumes cannot be attached: the node takes no more. The pod has to go elsewhere. */
export class VolumeAttachLimitExceededError extends Error {
  override name = 'VolumeAttachLimitExceededError';
}

/** The volume cannot grow while it is in use; it can once nobody has it. */
export class FailedPreconditionError extends Error {
  override name = 'FailedPreconditionError';
}

/** What was asked for can never be. */
export class InfeasibleError extends Error {
  override name = 'InfeasibleError';
}

/** Whoever was asked does not do such things. */
export class OperationNotSupportedError extends Error {
  override name = 'OperationNotSupportedError';
}
