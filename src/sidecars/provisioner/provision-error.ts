import { rpcErrorText } from '../../csi/index.ts';

/**
 * What is certain after a failed try. `finished`: nothing is going on. `in-background`: CreateVolume may still be
 * running; it is called until that is known, even if the claim goes. `no-change`: the driver was not asked; what was
 * certain before still is. `reschedule`: nothing is going on, and another node should be chosen.
 */
export type ProvisionState = 'finished' | 'in-background' | 'no-change' | 'reschedule';

/** A try to make a volume failed. The message is fit for an event. */
export class ProvisionError extends Error {
  override name = 'ProvisionError';
  readonly state: ProvisionState;

  constructor(state: ProvisionState, message: string, options?: ErrorOptions) {
    super(message, options);
    this.state = state;
  }
}

/** The claim is none of ours after all: nothing is to be done or told. */
export class IgnoredClaim extends Error {
  override name = 'IgnoredClaim';
}

/** Runs a check whose failure means `state`. */
export function failingAs<T>(state: ProvisionState, check: () => T): T {
  try {
    return check();
  } catch (error) {
    throw asProvisionError(state, error);
  }
}

export function asProvisionError(state: ProvisionState, error: unknown): ProvisionError {
  if (error instanceof ProvisionError) return error;
  return new ProvisionError(state, rpcErrorText(error), { cause: error });
}
