/** The driver did not say yes: the content's status tells why, and the content is tried again. */
export class Failure extends Error {
  override name = 'Failure';
  /** Of the event. */
  readonly reason: string;

  constructor(reason: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}
