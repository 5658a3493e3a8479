import { Code, CsiStatus } from '../../../csi/index.ts';
import { parseXml, textOf } from './xml.ts';

/** What an S3 server refused, or that it could not be reached. */
export class S3Error extends Error {
  override name = 'S3Error';
  /** The HTTP status; 0 when there was no answer. */
  readonly status: number;
  /** The server's word for it: `NoSuchBucket`. Empty when it gave none. */
  readonly code: string;

  constructor(message: string, failure: { status: number; code: string }, options?: ErrorOptions) {
    super(message, options);
    this.status = failure.status;
    this.code = failure.code;
  }
}

/** The error that an answer is. `request` for the message: `PUT http://host/bucket`. */
export function refusal(request: string, status: number, body: string): S3Error {
  const error = parseXml(body, 'Error') ?? {};
  const code = textOf(error, 'Code');
  const words = [code, textOf(error, 'Message')].filter((text) => text !== '').join(': ');
  return new S3Error(`${request}: ${words || `HTTP status ${status}`}`, { status, code });
}

const OF_CODE: Readonly<Record<string, Code>> = {
  BucketNotEmpty: Code.FAILED_PRECONDITION,
  BucketAlreadyExists: Code.ALREADY_EXISTS,
  TooManyBuckets: Code.RESOURCE_EXHAUSTED,
  RequestTimeout: Code.UNAVAILABLE,
  RequestTimeTooSkewed: Code.FAILED_PRECONDITION,
};

/** As a gRPC status: what may go well later (UNAVAILABLE, ABORTED) is told from what somebody has to mend. */
export function csiStatusOf(error: S3Error): CsiStatus {
  return new CsiStatus(OF_CODE[error.code] ?? codeOfStatus(error.status), error.message, { cause: error });
}

function codeOfStatus(status: number): Code {
  if (status === 0 || status === 429 || status >= 500) return Code.UNAVAILABLE;
  if (status === 401 || status === 403) return Code.PERMISSION_DENIED;
  if (status === 404) return Code.NOT_FOUND;
  return status === 409 ? Code.ABORTED : Code.INVALID_ARGUMENT;
}
