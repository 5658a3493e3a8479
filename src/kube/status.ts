import { qualifiedName, type Resource } from './resources.ts';

/** Why a request failed, as metav1.StatusReason. */
export type StatusReason =
  | ''
  | 'Unauthorized'
  | 'Forbidden'
  | 'NotFound'
  | 'AlreadyExists'
  | 'Conflict'
  | 'Gone'
  | 'Invalid'
  | 'ServerTimeout'
  | 'Timeout'
  | 'TooManyRequests'
  | 'BadRequest'
  | 'MethodNotAllowed'
  | 'NotAcceptable'
  | 'RequestEntityTooLarge'
  | 'UnsupportedMediaType'
  | 'InternalError'
  | 'Expired'
  | 'ServiceUnavailable';

export interface StatusCause {
  /** e.g. FieldValueRequired, FieldValueInvalid. */
  readonly reason?: string;
  readonly message?: string;
  readonly field?: string;
}

/** metav1.Status, the body of every failed request. */
export interface Status {
  readonly kind: 'Status';
  readonly apiVersion: 'v1';
  readonly metadata: object;
  readonly status: 'Success' | 'Failure';
  readonly message?: string;
  readonly reason?: StatusReason;
  readonly details?: {
    readonly name?: string;
    readonly group?: string;
    readonly kind?: string;
    readonly uid?: string;
    readonly causes?: readonly StatusCause[];
    readonly retryAfterSeconds?: number;
  };
  readonly code: number;
}

/** A failed API request: HTTP code, reason and details travel in `status`, whichever client made the request. */
export class StatusError extends Error {
  override name = 'StatusError';
  readonly status: Status;

  constructor(status: Status, options?: ErrorOptions) {
    super(status.message ?? status.reason ?? `HTTP ${status.code}`, options);
    this.status = status;
  }

  get code(): number {
    return this.status.code;
  }

  get reason(): StatusReason {
    return this.status.reason ?? '';
  }
}

function failure(
  code: number,
  reason: StatusReason,
  message: string,
  details?: Status['details'],
): StatusError {
  return new StatusError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    reason: reason || undefined,
    details,
    code,
  });
}

type Named = Pick<Resource, 'group' | 'plural'>;
const details = (resource: Named, name: string) => ({
  name,
  group: resource.group || undefined,
  kind: resource.plural,
});

// Messages as apimachinery's api/errors words them.
export const notFound = (resource: Named, name: string): StatusError =>
  failure(404, 'NotFound', `${qualifiedName(resource)} "${name}" not found`, details(resource, name));

export const alreadyExists = (resource: Named, name: string): StatusError =>
  failure(
    409,
    'AlreadyExists',
    `${qualifiedName(resource)} "${name}" already exists`,
    details(resource, name),
  );

export const conflict = (resource: Named, name: string, why: string): StatusError =>
  failure(
    409,
    'Conflict',
    `Operation cannot be fulfilled on ${qualifiedName(resource)} "${name}": ${why}`,
    details(resource, name),
  );

/** The conflict of a stale resourceVersion. */
export const staleObject = (resource: Named, name: string): StatusError =>
  conflict(
    resource,
    name,
    'the object has been modified; please apply your changes to the latest version and try again',
  );

export const forbidden = (resource: Named, name: string, why: string): StatusError =>
  failure(
    403,
    'Forbidden',
    `${qualifiedName(resource)}${name ? ` "${name}"` : ''} is forbidden: ${why}`,
    details(resource, name),
  );

export const badRequest = (message: string): StatusError => failure(400, 'BadRequest', message);

export const unauthorized = (message = 'Unauthorized'): StatusError => failure(401, 'Unauthorized', message);

export const expired = (message: string): StatusError => failure(410, 'Expired', message);

export const internalError = (message: string): StatusError =>
  failure(500, 'InternalError', `Internal error occurred: ${message}`, { causes: [{ message }] });

/** A failure of any other kind. */
export const statusFailure = failure;

/** 422: `causes` name the fields; the message lists them as upstream does. */
export function invalid(
  resource: Pick<Resource, 'group' | 'kind'>,
  name: string,
  causes: readonly StatusCause[],
): StatusError {
  const qualified = resource.group === '' ? resource.kind : `${resource.kind}.${resource.group}`;
  const texts = causes.map((cause) =>
    cause.field ? `${cause.field}: ${cause.message}` : (cause.message ?? ''),
  );
  // Upstream says the same thing once.
  const said = [...new Set(texts)];
  const body = said.length === 1 ? said[0] : `[${said.join(', ')}]`;
  return failure(422, 'Invalid', `${qualified} "${name}" is invalid: ${body}`, {
    name: name || undefined,
    group: resource.group || undefined,
    kind: resource.kind || undefined,
    causes,
  });
}

const hasReason = (error: unknown, ...reasons: StatusReason[]) =>
  error instanceof StatusError && reasons.includes(error.reason);

export const isNotFound = (error: unknown): boolean => hasReason(error, 'NotFound');
export const isAlreadyExists = (error: unknown): boolean => hasReason(error, 'AlreadyExists');
export const isConflict = (error: unknown): boolean => hasReason(error, 'Conflict');
/** The resourceVersion asked for has left the history window: list again. */
export const isExpired = (error: unknown): boolean => hasReason(error, 'Expired', 'Gone');
export const isInvalid = (error: unknown): boolean => hasReason(error, 'Invalid');
export const isForbidden = (error: unknown): boolean => hasReason(error, 'Forbidden');

/** Nothing is made any more in a namespace that is going. */
export const isNamespaceTerminating = (error: unknown): boolean =>
  error instanceof StatusError &&
  (error.status.details?.causes ?? []).some(({ reason }) => reason === 'NamespaceTerminating');
