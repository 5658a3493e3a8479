import { errorMessage } from '../../base/index.ts';
import { CsiError } from '../../csi/index.ts';

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
  return new ProvisionError(state, driverErrorText(error), { cause: error });
}

/** A driver's error as grpc-go prints it, which is what events of the upstream sidecars say. */
export function driverErrorText(error: unknown): string {
  if (!(error instanceof CsiError)) return errorMessage(error);
  return `rpc error: code = ${goCodeName(error.codeName)} desc = ${error.details}`;
}

/** RESOURCE_EXHAUSTED → ResourceExhausted. grpc-go spells one name its own way. */
function goCodeName(name: string): string {
  if (name === 'CANCELLED') return 'Canceled';
  if (name === 'OK') return name;
  return name.toLowerCase().replaceAll(/(^|_)(\w)/g, (_, __, letter: string) => letter.toUpperCase());
}
