import { type StatusError, statusFailure } from '../../kube/index.ts';

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
