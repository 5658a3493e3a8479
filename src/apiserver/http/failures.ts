import { type StatusError, statusFailure } from '../../kube/index.ts';

/** An answer that is no Status: upstream's HTTP server gives it before any API is asked. */
export class PlainAnswer extends Error {
  override name = 'PlainAnswer';
  readonly code: number;

  constructor(code: number, text: string) {
    super(text);
    this.code = code;
  }
}

/** Of paths that belong to no API of the server's own. */
export const pageNotFound = (): PlainAnswer => new PlainAnswer(404, '404 page not found\n');

export const malformedTarget = (): PlainAnswer => new PlainAnswer(400, '400 Bad Request');

// In the words that client-go has for answers without a body of their own.

export const unknownPath = (): StatusError =>
  statusFailure(404, 'NotFound', 'the server could not find the requested resource', {});

export const methodNotAllowed = (): StatusError =>
  statusFailure(
    405,
    'MethodNotAllowed',
    'the server does not allow this method on the requested resource',
    {},
  );
