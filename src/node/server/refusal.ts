/** An answer of the node's server that is no success: a code of HTTP and a text. */
export class Refusal extends Error {
  override name = 'Refusal';
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}
