import { type Code, codeName } from './codes.ts';

/**
 * A gRPC status as an exception. A handler throws it to answer with that code; which codes an RPC has for
 * what, and what the caller does on them, is in the error tables of the CSI specification.
 *
 * - `code`: the gRPC code
 * - `details`: what the caller reads, without the code
 * - `message`: code and details, for whoever prints the exception
 */
export class CsiStatus extends Error {
  override name = 'CsiStatus';
  readonly code: Code;
  readonly details: string;

  constructor(code: Code, details: string, options?: ErrorOptions) {
    super(`${codeName(code)}: ${details}`, options);
    this.code = code;
    this.details = details;
  }
}
