import { type Status, StatusError, type StatusReason } from '../../kube/index.ts';

const MAX_TEXT = 2048;

/** The StatusError of an answer that is not a success: what the server says, or what its code says. */
export function statusErrorOf(code: number, method: string, body: string): StatusError {
  const status = parseStatus(body);
  if (status) return new StatusError({ ...status, code: status.code || code });
  const { reason, message } = describeCode(code, method, body.slice(0, MAX_TEXT).trim());
  return new StatusError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    reason,
    code,
  });
}

function parseStatus(body: string): Status | undefined {
  if (!body.startsWith('{')) return undefined;
  try {
    const value = JSON.parse(body) as Status;
    return value.kind === 'Status' && value.status === 'Failure' ? value : undefined;
  } catch {
    return undefined;
  }
}

/** As client-go words an answer that carries no Status (api/errors NewGenericServerResponse). */
function describeCode(code: number, method: string, text: string): { reason: StatusReason; message: string } {
  switch (code) {
    case 400:
      return { reason: 'BadRequest', message: 'the server rejected our request for an unknown reason' };
    case 401:
      return {
        reason: 'Unauthorized',
        message: 'the server has asked for the client to provide credentials',
      };
    case 403:
      return { reason: 'Forbidden', message: text };
    case 404:
      return { reason: 'NotFound', message: 'the server could not find the requested resource' };
    case 405:
      return {
        reason: 'MethodNotAllowed',
        message: 'the server does not allow this method on the requested resource',
      };
    case 409:
      return {
        reason: method === 'POST' ? 'AlreadyExists' : 'Conflict',
        message: 'the server reported a conflict',
      };
    case 410:
      return { reason: 'Gone', message: text };
    case 429:
      return {
        reason: 'TooManyRequests',
        message: 'the server has received too many requests and has asked us to try again later',
      };
    case 503:
      return {
        reason: 'ServiceUnavailable',
        message: 'the server is currently unable to handle the request',
      };
    case 504:
      return {
        reason: 'Timeout',
        message:
          'the server was unable to return a response in the time allotted, but may still be processing the request',
      };
  }
  if (code >= 500)
    return {
      reason: 'InternalError',
      message: `an error on the server (${JSON.stringify(text)}) has prevented the request from succeeding`,
    };
  return {
    reason: '',
    message: `the server responded with the status code ${code} but did not return more information`,
  };
}
