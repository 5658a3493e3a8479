/** What of a call a reader must know; secrets are taken out. */
export interface CallSeen {
  /** `CreateVolume {"name":"a"}` */
  readonly asked: string;
  /** `OK {"volume":{…}}`, or `NOT_FOUND: no such volume` */
  readonly came: string;
}

/**
 * A driver does something else than the specification demands.
 * - `asked`, `came`: the call that shows it
 * - `says`: the demand
 * - `advice`: what the driver's author can do
 */
export class Violation extends Error {
  override name = 'Violation';
  readonly asked: string;
  readonly came: string;
  readonly says: string;
  readonly advice: string;

  constructor(call: CallSeen, says: string, advice: string) {
    super(`${call.asked}: ${call.came}; ${says}`);
    this.asked = call.asked;
    this.came = call.came;
    this.says = says;
    this.advice = advice;
  }
}

/** A check could not be made because a call before it failed, which a check of its own is about. */
export class Blocked extends Error {
  override name = 'Blocked';
}
